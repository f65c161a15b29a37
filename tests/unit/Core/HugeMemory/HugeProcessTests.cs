using System.Globalization;
using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Support;
using Xunit.Abstractions;

namespace BitTreeAlloc.Tests.Unit.Core.HugeMemory;

/// <summary>
/// W11, D4, on the real system: a process for each mode of transparent huge pages. The modes are set, and set back, only where the environment has BITTREE_SET_THP=1 and the file may be written;
/// otherwise the test runs in the mode that is, and says so.
/// </summary>
public sealed class HugeProcessTests(ITestOutputHelper output)
{
    private const string ModeFile = "/sys/kernel/mm/transparent_hugepage/enabled";
    private const ulong MiB = 1 << 20;

    [FactOnLinux]
    public void Dense_small_objects_get_huge_pages_where_there_are_many_of_them_and_none_where_not() => InEachMode(mode =>
    {
        var (resident, huge) = Run(nameof(HugeProcessScenarios.DenseSmallObjects), mode);
        Assert.InRange(resident, 64 * MiB, 72 * MiB);
        Assert.InRange(huge, mode is "never" ? 0 : 24 * MiB, mode is "never" ? 0 : resident);
        (resident, huge) = Run(nameof(HugeProcessScenarios.DenseFewObjects), mode);
        Assert.True(resident <= (mode is "always" ? 8ul : 5ul) * MiB, $"{resident} bytes are resident of 4 MiB in mode {mode}");
        Assert.True(mode is "always" || huge == 0, $"{huge} bytes in huge pages in mode {mode}");
        (resident, huge) = Run(nameof(HugeProcessScenarios.NeverSmallObjects), mode);
        Assert.InRange(resident, 64 * MiB, 68 * MiB); // slots of 208 bytes
        Assert.Equal(0ul, huge);
    });

    [FactOnLinux]
    public void Resident_memory_stays_within_rounding_and_no_process_ends_by_a_signal() => InEachMode(mode =>
    {
        var (code, line) = ChildProgram.Run(typeof(HugeProcessScenarios), nameof(HugeProcessScenarios.Residency));
        output.WriteLine($"{mode}: {line}");
        Assert.True(code == 0 && line.StartsWith(mode, StringComparison.OrdinalIgnoreCase), $"{code}: {line}");
        var words = line.Split(' ')[1..];
        for (var at = 0; at < words.Length; at += 8)
        {
            var (huge, what) = (Enum.Parse<HugePages>(words[at]), $"{mode}, {words[at]}");
            var figures = words[(at + 1)..(at + 8)].Select(word => ulong.Parse(word, CultureInfo.InvariantCulture)).ToArray();
            var (asked, full, transparent, pooled, empty, live) = (figures[0], figures[1], figures[2], figures[3], figures[4], figures[5]);

            // Slots round up by an eighth at most, and each class has a block begun. Of huge pages: 2 MiB for each of the four regions and the three spaces of blocks, and 4 MiB for the medium class's last block.
            var isHuge = huge != HugePages.Never && mode is not "never";
            var most = asked + (asked / 8) + (2 * MiB) + (isHuge || pooled != 0 ? 18 * MiB : 0);
            Assert.True(full >= asked && full <= most, $"{what}: {full} bytes resident of {asked} asked for, {most} explained");
            Assert.True(isHuge || transparent == 0, $"{what}: {transparent} bytes in huge pages");
            Assert.True(pooled == 0 || huge == HugePages.Pool, $"{what}: {pooled} bytes of the pool");
            Assert.True(!isHuge || transparent + pooled >= 30 * MiB, $"{what}: {transparent} bytes in huge pages");
            Assert.True(empty <= (isHuge ? 6 * MiB : 0), $"{what}: {empty} bytes resident with nothing live");
            Assert.Equal((what, 0ul), (what, live));
        }
    });

    private static (ulong Resident, ulong Huge) Run(string scenario, string mode)
    {
        var (code, line) = ChildProgram.Run(typeof(HugeProcessScenarios), scenario);
        var words = line.Split(' ');
        Assert.True(code == 0 && words.Length == 3 && string.Equals(words[0], mode, StringComparison.OrdinalIgnoreCase), $"{code}: {line}");
        return (ulong.Parse(words[1], CultureInfo.InvariantCulture), ulong.Parse(words[2], CultureInfo.InvariantCulture));
    }

    private void InEachMode(Action<string> check)
    {
        var now = HugePageSupport.ReadMode();
        if (Environment.GetEnvironmentVariable("BITTREE_SET_THP") != "1")
        {
            output.WriteLine($"Run in the mode that is, {now}; BITTREE_SET_THP=1 runs all (it changes the system for the length of the test, as root).");
            if (now != TransparentHugePageMode.Unknown)
                check(Word(now));
            return;
        }

        try
        {
            foreach (var mode in new[] { "always", "madvise", "never" })
            {
                File.WriteAllText(ModeFile, mode);
                check(mode);
            }
        }
        finally
        {
            File.WriteAllText(ModeFile, Word(now));
        }
    }

    private static string Word(TransparentHugePageMode mode) => mode switch
    {
        TransparentHugePageMode.Always => "always",
        TransparentHugePageMode.Madvise => "madvise",
        _ => "never",
    };
}
