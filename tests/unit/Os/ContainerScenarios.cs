using BitTreeAlloc.Os;

namespace BitTreeAlloc.Tests.Unit.Os;

/// <summary>What a process of its own sees of its limits.</summary>
public static class ContainerScenarios
{
    public static string ProcessLimits()
    {
        var (data, addresses) = ContainerLimits.ReadProcess();
        return $"{data} {addresses}";
    }

    public static string GroupLimit()
    {
        var found = ContainerLimits.Read();
        return $"{found.LimitBytes} {found.Source} {found.UsedBytes}";
    }
}
