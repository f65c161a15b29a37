using System.Text;

namespace BitTreeAlloc.Model.Reports;

/// <summary>Small numbers as text: each as groups of three bits with a continuation bit, two groups to a byte, in base64url without padding.</summary>
internal sealed class NibbleWriter
{
    private readonly List<byte> _nibbles = [];

    public void Add(uint value)
    {
        for (; value >= 8; value >>= 3)
            _nibbles.Add((byte)((value & 7) | 8));
        _nibbles.Add((byte)value);
    }

    public override string ToString()
    {
        var bytes = new byte[(_nibbles.Count + 1) / 2];
        for (var index = 0; index < _nibbles.Count; index++)
            bytes[index >> 1] |= (byte)(_nibbles[index] << ((index & 1) << 2));
        return Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');
    }
}

/// <summary>Reads what <see cref="NibbleWriter"/> wrote.</summary>
internal sealed class NibbleReader
{
    private readonly byte[] _bytes;
    private int _next;

    /// <exception cref="FormatException">The text is no base64url.</exception>
    public NibbleReader(string text)
    {
        var padded = new StringBuilder(text).Replace('-', '+').Replace('_', '/').Append('=', (4 - (text.Length & 3)) & 3);
        _bytes = Convert.FromBase64String(padded.ToString());
    }

    /// <summary>Whether nothing but filling is left.</summary>
    public bool IsAtEnd => _next >= _bytes.Length * 2 || (_next == (_bytes.Length * 2) - 1 && _bytes[^1] >> 4 == 0);

    /// <exception cref="FormatException">The text ends within a number, or a number is too large.</exception>
    public uint Take()
    {
        uint value = 0;
        for (var shift = 0; shift < 33; shift += 3)
        {
            if (_next >= _bytes.Length * 2)
                throw new FormatException("it ends too early");
            var nibble = (uint)(_bytes[_next >> 1] >> ((_next & 1) << 2)) & 15;
            _next++;
            value |= (nibble & 7) << shift;
            if (nibble < 8)
                return value;
        }

        throw new FormatException("a number in it is too large");
    }

    /// <summary>A number that may not exceed <paramref name="most"/>.</summary>
    public int Take(int most) => Take() is var value && value <= (uint)most ? (int)value : throw new FormatException($"{value} in it is more than {most}");
}
