using BitTreeAlloc.Tool.Allocators;
using BitTreeAlloc.Tool.Replay;

namespace BitTreeAlloc.Tool.Memory;

/// <summary>What a child process measures.</summary>
/// <param name="File">The trace.</param>
/// <param name="Mode">Serial or parallel.</param>
/// <param name="Allocator">A contender's name.</param>
/// <param name="Profile">For BitTreeAlloc.</param>
/// <param name="Level">For BitTreeAlloc.</param>
/// <param name="Cas">For BitTreeAlloc.</param>
/// <param name="PeerFile">The library, where the allocator is a peer of the user's; else empty.</param>
internal sealed record MeasureRequest(string File, ReplayMode Mode, string Allocator, Profile Profile, Level Level, CasWidth Cas, string PeerFile = "")
{
    /// <summary>The name of the hidden command.</summary>
    public const string Command = "measure-child";

    /// <summary>The command line of the child, after the program.</summary>
    public string[] ToArguments() => [Command, File, Mode.ToString(), Allocator, Profile.ToString(), Level.ToString(), Cas.ToString(), PeerFile];

    /// <summary>The user's peer, if it is one.</summary>
    public IReadOnlyList<PeerDescription> Peers => PeerFile.Length == 0 ? [] : [PeerDescription.Of(Allocator, PeerFile)];

    /// <summary>Reads what <see cref="ToArguments"/> wrote, without the command; null if it is something else.</summary>
    public static MeasureRequest? Parse(string[] arguments) =>
        arguments.Length == 7 && Enum.TryParse<ReplayMode>(arguments[1], out var mode) && Enum.TryParse<Profile>(arguments[3], out var profile)
        && Enum.TryParse<Level>(arguments[4], out var level) && Enum.TryParse<CasWidth>(arguments[5], out var cas)
            ? new MeasureRequest(arguments[0], mode, arguments[2], profile, level, cas, arguments[6])
            : null;
}
