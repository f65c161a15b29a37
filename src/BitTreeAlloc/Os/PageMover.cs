using System.Runtime.CompilerServices;

namespace BitTreeAlloc.Os;

/// <summary>Moves contents between committed ranges by moving pages where the system grants it, and by copying the rest.</summary>
/// <remarks>A range that was committed in pieces, or moved before, is several mappings of the kernel, and is refused as a whole: halves are tried, down to the smallest piece worth it,
/// and doubled again after each that was granted. Where nothing is ever granted, that is one try for each smallest piece.</remarks>
internal static unsafe class PageMover
{
    private const nuint CopyStep = 1 << 30;

    /// <summary>Moves [from, from + bytes) to <paramref name="to"/>. Afterwards <paramref name="from"/> is committed; its contents are zero where pages moved, the old ones where they were copied.</summary>
    /// <param name="os">The system.</param>
    /// <param name="from">A committed range, page-aligned.</param>
    /// <param name="to">As long, within a reservation, not overlapping; it need not be committed.</param>
    /// <param name="bytes">Its size, a multiple of the page.</param>
    /// <param name="smallest">Bytes below which a copy is cheaper than a try: a power of two, at least a page.</param>
    /// <param name="copied">Bytes that were copied.</param>
    /// <returns>Ok, or what the commit of <paramref name="to"/> answered: then the contents are at <paramref name="from"/> as before. No other refusal is passed on: what cannot be moved is copied.</returns>
    public static VmStatus MoveOrCopy(in VmTable os, void* from, void* to, nuint bytes, nuint smallest, out nuint copied)
    {
        copied = 0;
        var status = os.Commit(to, bytes);
        if (status != VmStatus.Ok)
            return status;

        var piece = bytes;
        for (nuint done = 0; done < bytes;)
        {
            piece = nuint.Min(piece, bytes - done);
            if (piece >= smallest && os.MovePages((byte*)from + done, (byte*)to + done, piece) == VmStatus.Ok)
            {
                done += piece;
                piece += piece;
                continue;
            }

            if (piece > smallest)
            {
                piece = nuint.Max(smallest, (piece / 2) & ~(smallest - 1));
                continue;
            }

            // A refused move may have taken the commitment of its destination.
            status = os.Commit((byte*)to + done, piece);
            if (status != VmStatus.Ok)
            {
                Copy(to, from, done);
                return status;
            }

            Copy((byte*)from + done, (byte*)to + done, piece);
            copied += piece;
            done += piece;
        }

        return VmStatus.Ok;
    }

    private static void Copy(void* from, void* to, nuint bytes)
    {
        for (nuint at = 0; at < bytes; at += CopyStep)
            Unsafe.CopyBlock((byte*)to + at, (byte*)from + at, (uint)nuint.Min(CopyStep, bytes - at));
    }
}
