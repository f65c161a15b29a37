using BitTreeAlloc.Atomics;
using BitTreeAlloc.Core;

namespace BitTreeAlloc;

/// <summary>
/// Keeps Dispose out while somebody reads figures, ticks or gives a dead thread's cache back; those never wait: they are let in or told that the allocator is closed.
/// </summary>
internal unsafe struct VisitorGate
{
    private ulong _word;

    /// <summary>Whether the caller may go in; then <see cref="Leave"/> is due.</summary>
    public bool TryEnter()
    {
        fixed (ulong* word = &_word)
            return Gate<HardwareAtomics>.TryEnter(word);
    }

    /// <summary>Ends a visit.</summary>
    public void Leave()
    {
        fixed (ulong* word = &_word)
            Gate<HardwareAtomics>.Leave(word);
    }

    /// <summary>Closes for ever, once everybody is out. False: it was closed before.</summary>
    public bool Close()
    {
        fixed (ulong* word = &_word)
        {
            if (!Gate<HardwareAtomics>.TryClose(word))
                return false;
            var spin = default(SpinWait);
            while (!Gate<HardwareAtomics>.IsEmpty(word))
                spin.SpinOnce();
            return true;
        }
    }

    /// <summary>Nothing is left behind the gate.</summary>
    public void MarkClosed()
    {
        fixed (ulong* word = &_word)
            Gate<HardwareAtomics>.MarkClosed(word);
    }

    /// <summary>Whether <see cref="MarkClosed"/> was called.</summary>
    public bool IsClosed
    {
        get
        {
            fixed (ulong* word = &_word)
                return Gate<HardwareAtomics>.IsClosed(word);
        }
    }
}
