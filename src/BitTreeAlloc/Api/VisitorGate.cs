using BitTreeAlloc.Atomics;

namespace BitTreeAlloc;

/// <summary>
/// Keeps Dispose out while somebody reads figures, ticks or gives a dead thread's cache back; those never wait: they are let in or told that the allocator is closed.
/// </summary>
internal unsafe struct VisitorGate
{
    private const ulong Closing = 1ul << 63;
    private const ulong Closed = 3ul << 62;

    private ulong _word;

    /// <summary>Whether the caller may go in; then <see cref="Leave"/> is due.</summary>
    public bool TryEnter()
    {
        fixed (ulong* word = &_word)
        {
            if ((HardwareAtomics.FetchAddAcqRel(word, 1, Site.None) & Closing) == 0) // order: acquire and release: of a visitor and a closer one sees the other [A1]
                return true;
            HardwareAtomics.FetchAddAcqRel(word, ulong.MaxValue, Site.None); // order: release [A1]
            return false;
        }
    }

    /// <summary>Ends a visit.</summary>
    public void Leave()
    {
        fixed (ulong* word = &_word)
            HardwareAtomics.FetchAddAcqRel(word, ulong.MaxValue, Site.None); // order: release: the closer comes after the visit [A1]
    }

    /// <summary>Closes for ever, once everybody is out. False: it was closed before.</summary>
    public bool Close()
    {
        fixed (ulong* word = &_word)
        {
            if ((HardwareAtomics.FetchOrAcqRel(word, Closing, Site.None) & Closing) != 0) // order: acquire and release [A1]
                return false;
            var spin = default(SpinWait);
            while (HardwareAtomics.LoadAcquire(word, Site.None) != Closing) // order: acquire: the visits before [A1]
                spin.SpinOnce();
            return true;
        }
    }

    /// <summary>Nothing is left behind the gate.</summary>
    public void MarkClosed()
    {
        fixed (ulong* word = &_word)
            HardwareAtomics.FetchOrAcqRel(word, Closed, Site.None); // order: release: all that the closer did [A1]
    }

    /// <summary>Whether <see cref="MarkClosed"/> was called.</summary>
    public bool IsClosed
    {
        get
        {
            fixed (ulong* word = &_word)
                return (HardwareAtomics.LoadAcquire(word, Site.None) & Closed) == Closed; // order: acquire: all that the closer did [A1]
        }
    }
}
