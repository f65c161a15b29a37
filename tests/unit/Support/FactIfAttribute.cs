using System.Globalization;
using BitTreeAlloc.Atomics;

namespace BitTreeAlloc.Tests.Unit.Support;

/// <summary>A fact that needs programs on PATH; skipped, with the missing one as the reason, where they are not installed.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class FactIfToolAttribute : FactAttribute
{
    public FactIfToolAttribute(params string[] tools)
    {
        var missing = tools.FirstOrDefault(tool => Machine.FindTool(tool) is null);
        if (missing is not null)
            Skip = $"{missing} is not installed";
    }
}

/// <summary>A fact about Linux.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class FactOnLinuxAttribute : FactAttribute
{
    public FactOnLinuxAttribute()
    {
        if (!OperatingSystem.IsLinux())
            Skip = "this is not Linux";
    }
}

/// <summary>A fact about the kernel's limit on mappings; skipped where the limit is so high that reaching it would take gigabytes.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class FactIfMappingsAreFewAttribute : FactAttribute
{
    public FactIfMappingsAreFewAttribute()
    {
        const string Limit = "/proc/sys/vm/max_map_count";
        if (!File.Exists(Limit) || long.Parse(File.ReadAllText(Limit), CultureInfo.InvariantCulture) > 200_000)
            Skip = "the number of mappings is not limited to 200 000 or fewer";
    }
}

/// <summary>A fact about the 16-byte compare-exchange; skipped, with the stub's own reason, where the machine or the process cannot have it.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class FactIfCas16Attribute : FactAttribute
{
    public FactIfCas16Attribute()
    {
        if (!CasStub.IsSupported)
            Skip = CasStub.Reason;
    }
}

/// <summary>A theory about Linux.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class TheoryOnLinuxAttribute : TheoryAttribute
{
    public TheoryOnLinuxAttribute()
    {
        if (!OperatingSystem.IsLinux())
            Skip = "this is not Linux";
    }
}
