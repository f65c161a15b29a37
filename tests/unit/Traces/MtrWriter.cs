using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace BitTreeAlloc.Tests.Unit.Traces;

/// <summary>Writes traces for tests: counts what the header claims, and lets a test write anything in between.</summary>
internal sealed class MtrWriter
{
    private readonly List<byte> _body = [];
    private readonly Dictionary<uint, ulong> _live = [];
    private readonly HashSet<uint> _threads = [];
    private readonly byte[] _name;
    private ulong _events, _bodyEvents, _objects, _liveBytes, _peakBytes, _peakObjects, _totalBytes;
    private uint _thread;

    public MtrWriter(string name = "test") => _name = Encoding.UTF8.GetBytes(name);

    /// <summary>Offset of the next byte in the decompressed stream.</summary>
    public int Offset => 72 + _name.Length + _body.Count;

    public MtrWriter Raw(params byte[] bytes)
    {
        _body.AddRange(bytes);
        return this;
    }

    public MtrWriter Varint(ulong value)
    {
        for (; value >= 0x80; value >>= 7)
            _body.Add((byte)(value | 0x80));
        _body.Add((byte)value);
        return this;
    }

    public MtrWriter Malloc(uint id, ulong size) => Begin(0).Varint(id).Varint(size).Added(id, size);

    public MtrWriter Calloc(uint id, ulong size) => Begin(2).Varint(id).Varint(size).Added(id, size);

    public MtrWriter Memalign(byte log2, uint id, ulong size) => Begin(4).Varint(log2).Varint(id).Varint(size).Added(id, size);

    public MtrWriter Realloc(uint id, ulong size)
    {
        Begin(3).Varint(id).Varint(size);
        _liveBytes += size - _live[id];
        _live[id] = size;
        _totalBytes += size;
        _peakBytes = Math.Max(_peakBytes, _liveBytes);
        return this;
    }

    public MtrWriter Free(uint id)
    {
        Begin(1).Varint(id);
        _liveBytes -= _live[id];
        _live.Remove(id);
        return this;
    }

    public MtrWriter Thread(uint thread)
    {
        _thread = thread;
        return Raw(5).Varint(thread);
    }

    public MtrWriter Exit()
    {
        _bodyEvents = _events;
        return Raw(6);
    }

    /// <summary>The EXIT mark and the frees of all that is live.</summary>
    public MtrWriter Finish()
    {
        Exit();
        foreach (var id in _live.Keys.Order().ToList())
            Free(id);
        return this;
    }

    public byte[] ToBytes()
    {
        var head = new byte[72];
        "MTRC0001"u8.CopyTo(head);
        BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(8), (uint)_threads.Count);
        ulong[] figures = [_events, _bodyEvents, _peakObjects, _objects, _peakBytes, _peakObjects, _totalBytes];
        for (var i = 0; i < figures.Length; i++)
            BinaryPrimitives.WriteUInt64LittleEndian(head.AsSpan(12 + (8 * i)), figures[i]);
        BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(68), (uint)_name.Length);
        return [.. head, .. _name, .. _body];
    }

    public static byte[] Gzip(byte[] bytes)
    {
        var target = new MemoryStream();
        using (var gzip = new GZipStream(target, CompressionLevel.Optimal))
            gzip.Write(bytes);
        return target.ToArray();
    }

    /// <summary>A random, valid trace; slot ids are taken again last in, first out, as the recorder does.</summary>
    public static MtrWriter Random(int seed, int events, int threads = 1, int maxSize = 300, bool aligned = true)
    {
        var random = new Random(seed);
        var writer = new MtrWriter($"random {seed}");
        var free = new Stack<uint>();
        var live = new List<uint>();
        var next = 0u;
        for (var i = 0; i < events; i++)
        {
            if (i < threads)
                writer.Thread((uint)i);
            else if (threads > 1 && random.Next(4) == 0)
                writer.Thread((uint)random.Next(threads));
            var size = (ulong)random.Next(maxSize);
            var roll = i < threads ? 0 : random.Next(10);
            if (roll < 5 || live.Count == 0)
            {
                var id = free.TryPop(out var old) ? old : next++;
                live.Add(id);
                if (roll == 1)
                    writer.Calloc(id, size);
                else if (roll == 2 && aligned)
                    writer.Memalign((byte)random.Next(9), id, size);
                else
                    writer.Malloc(id, size);
                continue;
            }

            var at = random.Next(live.Count);
            if (roll < 7)
            {
                writer.Realloc(live[at], size);
                continue;
            }

            writer.Free(live[at]);
            free.Push(live[at]);
            live.RemoveAt(at);
        }

        return writer.Finish();
    }

    private MtrWriter Begin(byte op)
    {
        _events++;
        _threads.Add(_thread);
        return Raw(op);
    }

    private MtrWriter Added(uint id, ulong size)
    {
        _live[id] = size;
        _objects++;
        _liveBytes += size;
        _totalBytes += size;
        _peakBytes = Math.Max(_peakBytes, _liveBytes);
        _peakObjects = Math.Max(_peakObjects, (ulong)_live.Count);
        return this;
    }
}
