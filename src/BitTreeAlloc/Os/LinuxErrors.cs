namespace BitTreeAlloc.Os;

/// <summary>What an error number of each call means for the caller. ENOMEM alone stands for four different things.</summary>
internal static unsafe class LinuxErrors
{
    public const int EPERM = 1;
    public const int EINTR = 4;
    public const int EAGAIN = 11;
    public const int ENOMEM = 12;
    public const int EACCES = 13;
    public const int EINVAL = 22;

    /// <summary>mmap of a reservation. EAGAIN: the process locks all its memory (mlockall) and RLIMIT_MEMLOCK is reached. EPERM, EACCES: a security module.</summary>
    public static VmStatus OfReserve(int error) => error switch
    {
        ENOMEM => MappingsExhausted() ? VmStatus.TooManyMappings : VmStatus.AddressSpaceExhausted,
        EINVAL => VmStatus.Invalid,
        EAGAIN or EPERM or EACCES => VmStatus.CommitRefused,
        _ => VmStatus.AddressSpaceExhausted, // EOVERFLOW and what later kernels invent
    };

    /// <summary>mprotect to readable and writable. ENOMEM: the commit limit of strict overcommit, RLIMIT_DATA, the number of mappings, or a hole in the range.</summary>
    /// <remarks>A hole is a caller's bug, and is reported as <see cref="VmStatus.CommitRefused"/>: telling it apart would take a read of /proc/self/maps.</remarks>
    public static VmStatus OfCommit(int error) => error switch
    {
        ENOMEM => MappingsExhausted() ? VmStatus.TooManyMappings : VmStatus.CommitRefused,
        EINVAL => VmStatus.Invalid,
        _ => VmStatus.CommitRefused,
    };

    /// <summary>madvise that drops pages. ENOMEM: the range has a hole. EINVAL, after alignment was checked and both forms were tried: locked pages.</summary>
    public static VmStatus OfPurge(int error) => error switch
    {
        0 => VmStatus.Ok,
        ENOMEM => VmStatus.Invalid,
        _ => VmStatus.NotSupported,
    };

    /// <summary>mremap of pages to an address of the kernel's choice. EFAULT: several mappings. EINVAL: before Linux 5.7, or pages of the pool. EAGAIN: RLIMIT_MEMLOCK.</summary>
    /// <remarks>The kernel wants six mappings to spare before it moves anything.</remarks>
    public static VmStatus OfMove(int error) => error switch
    {
        ENOMEM => MappingsExhausted(changes: 4) ? VmStatus.TooManyMappings : VmStatus.CommitRefused,
        EAGAIN => VmStatus.CommitRefused,
        _ => VmStatus.NotSupported,
    };

    /// <summary>mmap of pages of the pool. ENOMEM: too few, or too many mappings. EINVAL: no pool of this size. EPERM, ENOSYS: no pools at all.</summary>
    public static VmStatus OfHugePool(int error) => error switch
    {
        ENOMEM => MappingsExhausted() ? VmStatus.TooManyMappings : VmStatus.CommitRefused,
        _ => VmStatus.NotSupported,
    };

    /// <summary>munmap. ENOMEM: the range was merged with its neighbours, and the split is one mapping too many.</summary>
    public static VmStatus OfRelease(int error) => error == ENOMEM ? VmStatus.TooManyMappings : VmStatus.Invalid;

    /// <summary>madvise about cost. The kernel says EAGAIN where the advice needs a split that is one mapping too many, EINVAL where it does not know the advice.</summary>
    public static VmStatus OfAdvice(int error) => error switch
    {
        0 => VmStatus.Ok,
        ENOMEM => VmStatus.CommitRefused,
        EAGAIN => VmStatus.TooManyMappings,
        _ => VmStatus.NotSupported,
    };

    /// <summary>Whether the process has (nearly) used up its mappings: three fresh pages are mapped and the middle one is changed, which takes two mappings more
    /// and, being read-only, no commit charge.</summary>
    /// <remarks>Only on the way out of a refusal. A guess: other threads map and unmap meanwhile, and addresses exhausted to the last three pages look the same.
    /// The caller's ladder of remedies is the same for both; only the message differs.</remarks>
    /// <param name="changes">How many pages are changed, each between two others, and each two mappings more.</param>
    private static bool MappingsExhausted(uint changes = 1)
    {
        var page = LinuxCalls.PageSize();
        var bytes = ((2 * changes) + 1) * page;
        var probe = (byte*)LinuxCalls.Map(null, bytes, LinuxCalls.None, LinuxCalls.Reservation, -1, 0);
        if ((nint)probe == -1)
            return true;
        var exhausted = false;
        for (nuint change = 0; change < changes && !exhausted; change++)
            exhausted = LinuxCalls.Protect(probe + (((2 * change) + 1) * page), page, LinuxCalls.Read) != 0;

        // Back to one mapping first: otherwise the probe's own splits could keep the munmap from succeeding.
        _ = LinuxCalls.Protect(probe, bytes, LinuxCalls.None);
        _ = LinuxCalls.Unmap(probe, bytes);
        return exhausted;
    }
}
