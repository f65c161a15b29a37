using BitTreeAlloc.Tool.Allocators;
using BitTreeAlloc.Tool.Replay;

namespace BitTreeAlloc.Tool.Bench.Contenders;

/// <summary>Makes the contenders of loops that compare allocators.</summary>
internal static class BenchContenders
{
    /// <summary>The shared pool of arrays.</summary>
    public const string ArrayPool = "arraypool";

    /// <summary>New arrays of the garbage-collected heap.</summary>
    public const string Gc = "gc";

    /// <summary>The system's own calls.</summary>
    public const string Mmap = "mmap";

    /// <summary>The names that are always there, installed or not; a peer of the user's cannot have one of them.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. ContenderCatalog.Names, ArrayPool, Gc, Mmap];

    /// <summary>All that can run here: ours first, then the others, then the user's peers.</summary>
    /// <param name="request">Whose peers and CAS form are used; its <see cref="BenchRequest.Contenders"/>, where not null, are all that is made.</param>
    /// <param name="profile">For BitTreeAlloc.</param>
    public static List<BenchContender> Make(BenchRequest request, Profile profile) =>
        [.. Names.Concat(request.Peers.Select(peer => peer.Name)).Where(name => request.Contenders?.Contains(name) != false).Select(name => Make(name, request, profile)).OfType<BenchContender>()];

    /// <summary>The contender of that name; null where it cannot run here.</summary>
    public static BenchContender? Make(string name, BenchRequest request, Profile profile)
    {
        switch (name)
        {
            case ContenderCatalog.BitTree:
                return Of(name, isInstance: true, () => new BitTreeAdapter(new BitTreeAllocatorOptions { Profile = profile, CasWidth = request.Cas }));
            case ContenderCatalog.Native:
                return Of<NativeAdapter>(name, isInstance: false, () => default);
            case ContenderCatalog.Empty:
                return Of<NoOpAdapter>(name, isInstance: true, () => default);
            case ArrayPool:
                return new BenchContender<ArrayPoolBuffers, PooledArray>(name, isInstance: false, () => default);
            case Gc:
                return new BenchContender<GcBuffers, GcArray>(name, isInstance: false, () => default);
            case Mmap:
                return MmapBuffers.IsSupported ? new BenchContender<MmapBuffers, nint>(name, isInstance: true, () => default) : null;
        }

        var peer = PeerLibrary.Known.Concat(request.Peers).FirstOrDefault(one => one.Name == name);
        return peer is not null && PeerLibrary.TryLoad(peer, out var library) ? Of(name, isInstance: false, () => new PeerAdapter(library)) : null;
    }

    /// <summary>
    /// Before the long work: starts the tool over where a peer can be loaded only then, and refuses peers of the user's that cannot be loaded at all. Returns the names of known ones that are not
    /// installed.
    /// </summary>
    /// <exception cref="Cli.CliException">One of the user's peers cannot be loaded.</exception>
    public static IReadOnlyList<string> Prepare(BenchRequest request)
    {
        PeerDescription[] peers = [.. PeerLibrary.Known, .. request.Peers];
        if (peers.Any(PeerLibrary.NeedsNewProcess))
            StaticTls.StartOver();
        foreach (var peer in request.Peers)
        {
            if (PeerLibrary.WhyNot(peer) is { } reason)
                throw new Cli.CliException($"--peer: '{peer.Name}={peer.Files[0]}' is not possible: {reason}; use a shared library that exports malloc, calloc, realloc and free");
        }

        return [.. PeerLibrary.Known.Where(peer => !PeerLibrary.TryLoad(peer, out _)).Select(peer => peer.Name)];
    }

    private static BenchContender<AllocatorBuffers<TAdapter>, nint> Of<TAdapter>(string name, bool isInstance, Func<TAdapter> open)
        where TAdapter : struct, IAllocatorAdapter<TAdapter> => new(name, isInstance, () => new AllocatorBuffers<TAdapter>(open()));
}
