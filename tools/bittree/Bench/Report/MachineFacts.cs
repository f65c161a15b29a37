using System.Globalization;
using System.Runtime.InteropServices;
using BitTreeAlloc.Tool.Allocators;

namespace BitTreeAlloc.Tool.Bench.Report;

/// <summary>What the figures were measured on, as lines of a name and a value.</summary>
internal static partial class MachineFacts
{
    /// <summary>All that can be known here.</summary>
    public static IReadOnlyList<(string Name, string Value)> Read(BenchRequest request)
    {
        var facts = new List<(string Name, string Value)>
        {
            ("processor", $"{Processor()}, {Environment.ProcessorCount} logical, {RuntimeInformation.ProcessArchitecture}"),
            ("memory", string.Create(CultureInfo.InvariantCulture, $"{GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 1073741824.0:0.0} GiB available to the process")),
            ("system", RuntimeInformation.OSDescription),
            ("runtime", $"{RuntimeInformation.FrameworkDescription}, compiled in full at first call; {(System.Runtime.GCSettings.IsServerGC ? "server" : "workstation")} GC"),
            ("BitTreeAlloc", typeof(BitTreeAllocator).Assembly.GetName().Version?.ToString() ?? "?"),
        };
        if (LibcVersion() is { } libc)
            facts.Add(("native (NativeMemory)", $"glibc {libc}"));
        var mapped = MappedFiles();
        foreach (var peer in PeerLibrary.Known.Concat(request.Peers).Where(peer => PeerLibrary.TryLoad(peer, out _)))
            facts.Add((peer.Name, $"{mapped.FirstOrDefault(file => peer.Files.Any(name => IsOf(file, name))) ?? peer.Files[0]}, transitions suppressed"));
        facts.Add(("run", string.Create(CultureInfo.InvariantCulture, $"{DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC; {request.Rounds} rounds, interleaved and shuffled in one process, after a warm-up; medians of the ratios of each round; memory and first runs in fresh processes")));
        return facts;
    }

    // "libx.so.2" is mapped under the name of the file that it links to: "libx.so.2.0".
    private static bool IsOf(string mapped, string name) => Path.GetFileName(mapped).StartsWith(Path.GetFileName(name), StringComparison.Ordinal);

    private static string Processor()
    {
        try
        {
            const string field = "model name";
            return OperatingSystem.IsLinux() && File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith(field, StringComparison.Ordinal)) is { } line
                ? line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim()
                : "unknown";
        }
        catch (IOException)
        {
            return "unknown";
        }
    }

    private static List<string> MappedFiles()
    {
        try
        {
            return OperatingSystem.IsLinux() ? [.. File.ReadLines("/proc/self/maps").Select(line => line.IndexOf('/', StringComparison.Ordinal) is >= 0 and var at ? line[at..] : "").Where(file => file.Length != 0).Distinct()] : [];
        }
        catch (IOException)
        {
            return [];
        }
    }

    private static string? LibcVersion()
    {
        try
        {
            return OperatingSystem.IsLinux() ? Marshal.PtrToStringUTF8(GnuVersion()) : null;
        }
        catch (Exception e) when (e is EntryPointNotFoundException or DllNotFoundException)
        {
            return null;
        }
    }

    [LibraryImport("libc", EntryPoint = "gnu_get_libc_version")]
    private static partial nint GnuVersion();
}
