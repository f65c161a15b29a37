using System.Runtime.InteropServices;
using BitTreeAlloc.Tool.Bench.Contenders;

namespace BitTreeAlloc.Tests.Unit.Tool;

/// <summary>Whether a loop may compare addresses; a type parameter.</summary>
internal interface IAddresses
{
    static abstract bool Move { get; }
}

/// <summary>Addresses can be compared.</summary>
internal readonly struct Fixed : IAddresses
{
    public static bool Move => false;
}

/// <summary>Addresses say nothing: content alone can tell.</summary>
internal readonly struct Moving : IAddresses
{
    public static bool Move => true;
}

/// <summary>Buffers of 64 MiB, of which a loop holds eight at most; from the chosen request on, it gives one that is held.</summary>
internal readonly unsafe struct PlantedBuffers<TAddresses>(PlantedBuffers<TAddresses>.Arena arena) : IBenchAdapter<PlantedBuffers<TAddresses>, nint>
    where TAddresses : struct, IAddresses
{
    public static bool Allocates => true;

    public static bool Moves => TAddresses.Move;

    public nint Alloc(nuint size) => arena.Take();

    public void Free(nint buffer, nuint size) => arena.Give(buffer);

    public static ref byte Start(nint buffer) => ref *(byte*)buffer;

    public PlantedBuffers<TAddresses> ForThread() => this;

    public void CloseThread()
    {
    }

    public void Trim()
    {
    }

    public long? OsCalls() => null;

    public void Close()
    {
    }

    /// <summary>The buffers, for all threads.</summary>
    internal sealed class Arena(int overlapAt) : IDisposable
    {
        private const int Count = 8;
        private const nuint Size = 64 << 20;

        private readonly byte* _start = (byte*)NativeMemory.Alloc(Count * Size);
        private readonly List<nint> _held = [];
        private int _requests;

        /// <summary>Never wrong.</summary>
        public const int Never = int.MaxValue;

        public nint Take()
        {
            lock (_held)
            {
                var wrong = ++_requests >= overlapAt && _held.Count != 0;
                var buffer = wrong ? _held[^1] : Enumerable.Range(0, Count).Select(i => (nint)(_start + ((nuint)i * Size))).First(one => !_held.Contains(one));
                _held.Add(buffer);
                return buffer;
            }
        }

        public void Give(nint buffer)
        {
            lock (_held)
                Assert.True(_held.Remove(buffer), "freed what is not held");
        }

        public void Dispose() => NativeMemory.Free(_start);
    }
}
