namespace BitTreeAlloc.Model.Scenarios;

/// <summary>Watermarks, trim, cache records, direct mappings, the purge policy.</summary>
internal static class HeapScenarios
{
    public static IEnumerable<Func<Scenario>> All()
    {
        yield return () => new WatermarkScenario("ensure-vs-ensure", false, [1], [1]);
        yield return () => new WatermarkScenario("ensure-vs-ensure-further", false, [1], [2]);
        yield return () => new WatermarkScenario("ensure-twice-vs-ensure", false, [1, 2], [2]);
        yield return () => new WatermarkScenario("ensure-refused", true, [1], [2]);
        yield return () => new TrimScenario("signal-vs-free", cached: 1, frees: 1, trimmers: 1);
        yield return () => new TrimScenario("signal-vs-two-frees", cached: 1, frees: 2, trimmers: 1);
        yield return () => new TrimScenario("signal-vs-full-magazine", cached: 2, frees: 1, trimmers: 1);
        yield return () => new TrimScenario("signal-vs-two-full-magazines", cached: 2, frees: 3, trimmers: 1);
        yield return () => new TrimScenario("signal-vs-first-magazine", cached: 0, frees: 2, trimmers: 1);
        yield return () => new TrimScenario("two-trims-vs-free", cached: 1, frees: 1, trimmers: 2) { Deviations = 8 };
        yield return () => new MisuseScenario();
        yield return () => new MagazineScenario();
        yield return () => new RegistryScenario("release-vs-register", 1, "r", "n");
        yield return () => new RegistryScenario("register-vs-register", 0, "n", "n");
        yield return () => new RegistryScenario("birth-vs-birth", 0, "n", "n") { Born = 0 };
        yield return () => new RegistryScenario("birth-vs-walk", 0, "n", "w") { Born = 0 };
        yield return () => new RegistryScenario("births-vs-two-in-turn", 0, "nm", "i", "i") { Born = 0 };
        yield return () => new RegistryScenario("register-release-twice", 0, "nr", "nr");
        yield return () => new RegistryScenario("two-aliases-leave", 1, "r", "a");
        yield return () => new RegistryScenario("birth-vs-signal", 1, "n", "t") { Newcomers = true };
        yield return () => new RegistryScenario("two-births-vs-signal", 1, "n", "n", "t") { Newcomers = true, Deviations = 8 };
        yield return () => new RegistryScenario("release-vs-register-vs-signal", 1, "r", "n", "t") { Deviations = 8 };
        yield return () => new DirectScenario("free-vs-free", true, "f", "f");
        yield return () => new DirectScenario("free-vs-size", true, "f", "s");
        yield return () => new DirectScenario("alloc-vs-alloc-first-leaf", false, "a", "a");
        yield return () => new DirectScenario("alloc-free-vs-alloc", false, "ag", "a");
        yield return () => new PolicyScenario(2);
        yield return () => new PolicyScenario(3);
        yield return () => new LimitScenario("birth-vs-birth-last-block", 1, [BlockStart.Unborn, BlockStart.Unborn], "b", "b");
        yield return () => new LimitScenario("birth-vs-birth-of-clean", 1, [BlockStart.Clean, BlockStart.Unborn], "b", "b");
        yield return () => new LimitScenario("birth-vs-birth-refused-pages", 1, [BlockStart.Unborn, BlockStart.Unborn], "b", "b") { Refuses = true };
        yield return () => new LimitScenario("birth-vs-purge", 1, [BlockStart.Empty, BlockStart.Unborn], "b", "s");
        yield return () => new LimitScenario("birth-vs-purge-with-room", 2, [BlockStart.Empty, BlockStart.Unborn], "b", "s") { Granted = 1 };
        yield return () => new LimitScenario("purge-vs-birth-purge-vs-birth", 1, [BlockStart.Empty, BlockStart.Unborn, BlockStart.Unborn], "s", "bs", "b") { Deviations = 6 };
        yield return () => new LimitScenario("purge-then-birth", 1, [BlockStart.Empty, BlockStart.Unborn], "sb", "s");
        yield return () => new LimitScenario("purge-then-birth-vs-birth-of-empty", 1, [BlockStart.Empty, BlockStart.Unborn], "sb", "e") { Granted = 1 };
        yield return () => new LimitScenario("metadata-committed-twice", 2, [BlockStart.Unborn], "m", "m");
    }
}
