using System.Globalization;
using BitTreeAlloc.Tool.Allocators;
using BitTreeAlloc.Tool.Bench.Contenders;
using BitTreeAlloc.Tool.Replay;

namespace BitTreeAlloc.Tool.Cli;

/// <summary>Turns what stands behind an option into values, or says what would have been legal.</summary>
internal static class OptionValues
{
    private const string All = "all";
    private const string Both = "both";

    /// <summary>Names of allocators; <paramref name="all"/> is set where <c>all</c> was among them.</summary>
    public static IReadOnlyList<string> Allocators(IEnumerable<string> values, out bool all)
    {
        var names = Split("--allocator", values).Select(v => v.ToLowerInvariant()).ToList();
        all = names.Contains(All);
        foreach (var name in names)
        {
            if (name != All && !ContenderCatalog.Names.Contains(name))
                throw Illegal("--allocator", name, [.. ContenderCatalog.Names, All]);
        }

        return all ? ContenderCatalog.Names : names.Distinct().ToList();
    }

    /// <summary>Modes.</summary>
    public static IReadOnlyList<ReplayMode> Modes(IEnumerable<string> values)
    {
        var modes = new List<ReplayMode>();
        foreach (var value in Split("--mode", values))
        {
            if (value.Equals(All, StringComparison.OrdinalIgnoreCase) || value.Equals(Both, StringComparison.OrdinalIgnoreCase))
                modes.AddRange([ReplayMode.Serial, ReplayMode.Parallel]);
            else
                modes.Add(Name<ReplayMode>("--mode", value, [.. Enum.GetNames<ReplayMode>().Select(n => n.ToLowerInvariant()), Both]));
        }

        return modes.Distinct().ToList();
    }

    /// <summary>Profiles.</summary>
    public static IReadOnlyList<Profile> Profiles(IEnumerable<string> values) =>
        Split("--profile", values).Select(v => Name<Profile>("--profile", v, Enum.GetNames<Profile>())).Distinct().ToList();

    /// <summary>Levels.</summary>
    public static IReadOnlyList<Level> Levels(IEnumerable<string> values) =>
        Split("--level", values).Select(v => v.ToLowerInvariant() switch
        {
            "fast" => Level.Fast,
            "checked" => Level.Checked,
            _ => throw Illegal("--level", v, ["fast", "checked"]),
        }).Distinct().ToList();

    /// <summary>The CAS form.</summary>
    public static CasWidth Cas(string value) => value switch
    {
        "16" => CasWidth.Sixteen,
        "8" => CasWidth.Eight,
        _ => throw Illegal("--cas", value, ["16", "8"]),
    };

    /// <summary>The number of rounds.</summary>
    public static int Rounds(string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var rounds) && rounds is >= 1 and <= ReplayOptions.MostRounds
            ? rounds
            : throw Illegal("--rounds", value, [$"a number from 1 to {ReplayOptions.MostRounds}"]);

    /// <summary>Allocators of the user's: NAME=PATH. That they can be loaded is not looked at here.</summary>
    public static IReadOnlyList<PeerDescription> Peers(IEnumerable<string> values)
    {
        var peers = new List<PeerDescription>();
        foreach (var value in values)
        {
            var equals = value.IndexOf('=', StringComparison.Ordinal);
            var name = equals < 0 ? "" : value[..equals];
            var path = value[(equals + 1)..];
            if (name.Length == 0 || path.Length == 0 || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
                throw Illegal("--peer", value, ["NAME=PATH, a name of letters, digits and -_. and the path of a shared library that exports malloc, calloc, realloc and free"]);
            if (BenchContenders.Names.Contains(name) || name == ContenderCatalog.Empty || peers.Exists(peer => peer.Name == name))
                throw new CliException($"--peer: the name '{name}' is taken; use one other than {string.Join(", ", [.. BenchContenders.Names, .. peers.Select(peer => peer.Name).Except(BenchContenders.Names)])}");
            if (!File.Exists(path))
                throw new CliException($"--peer: there is no file '{path}'; use the path of a shared library that exports malloc, calloc, realloc and free");
            peers.Add(PeerDescription.Of(name, Path.GetFullPath(path)));
        }

        return peers;
    }

    private static T Name<T>(string option, string value, IReadOnlyList<string> legal)
        where T : struct, Enum =>
        value.Length != 0 && char.IsLetter(value[0]) && Enum.TryParse<T>(value, ignoreCase: true, out var parsed) && Enum.IsDefined(parsed)
            ? parsed
            : throw Illegal(option, value, legal);

    private static List<string> Split(string option, IEnumerable<string> values)
    {
        var parts = values.SelectMany(v => v.Split(',', StringSplitOptions.TrimEntries)).ToList();
        return parts.Contains("") ? throw new CliException($"{option}: an empty name; separate names by single commas") : parts;
    }

    private static CliException Illegal(string option, string value, IReadOnlyList<string> legal) =>
        new($"{option}: '{value}' is not possible; use {string.Join(", ", legal)}");
}
