using System.Reflection;
using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Contract;
using BitTreeAlloc.Tests.Unit.Core;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Checked;

/// <summary>The level by option or by BITTREE_CHECK; what it costs in memory; and that it changes nothing else.</summary>
public sealed unsafe class LevelIsChosen
{
    [Theory]
    [InlineData("1", "Checked Fast Checked")]
    [InlineData("0", "Fast Fast Checked")]
    public void The_environment_decides_where_the_options_do_not(string value, string expected)
    {
        var (code, line) = ChildProgram.Run(typeof(LevelScenarios), nameof(LevelScenarios.Levels), environment: ("BITTREE_CHECK", value));
        Assert.True(code == 0, line);
        Assert.Equal(expected, line);
    }

    [Fact]
    public void A_bad_value_of_the_variable_is_told_with_value_and_limit()
    {
        var (code, line) = ChildProgram.Run(typeof(LevelScenarios), nameof(LevelScenarios.Refusal), environment: ("BITTREE_CHECK", "yes"));
        Assert.True(code == 0, line);
        Assert.Contains("BITTREE_CHECK is yes; it has to be 0 or 1, or unset", line, StringComparison.Ordinal);
    }

    [Fact]
    public void The_contract_holds_at_the_checked_level()
    {
        var (code, line) = ChildProgram.Run(typeof(LevelScenarios), nameof(LevelScenarios.Contract), environment: ("BITTREE_CHECK", "1"));
        Assert.True(code == 0, line);
        Assert.Matches(@"^\d{2,} tests of the contract hold$", line);
    }

    [Fact]
    public void Marks_are_metadata_and_go_back_with_the_allocator()
    {
        using var os = new SimulatedVirtualMemory();
        using (var fast = LiveSet.Over(os, level: Level.Fast))
        using (var safe = LiveSet.Over(os, level: Level.Checked))
        {
            foreach (var live in new[] { fast, safe })
            {
                live.AllocMany(60_000, 100);
                live.AllocMany(60_000, 20);
            }

            // 1/32 of blocks of 64 KiB, 1/8 of those of 16 KiB, and what is committed ahead.
            var more = (long)(safe.Figures.MetadataBytes - fast.Figures.MetadataBytes);
            Assert.InRange(more, (6_240_000 / 32) + (1_440_000 / 8), ((6_240_000 / 32) + (1_440_000 / 8)) * 2);
            Assert.Equal(more, (long)(safe.Figures.CommittedBytes - fast.Figures.CommittedBytes));
            Assert.Equal(fast.Figures.TouchedBytes, safe.Figures.TouchedBytes);
            Assert.Equal(fast.Live.Select(one => one.Address - fast.Live[0].Address), safe.Live.Select(one => one.Address - safe.Live[0].Address));
            fast.FreeAll();
            safe.FreeAll();
        }

        Assert.Equal(0ul, os.CommittedBytes);
    }

    [Theory]
    [InlineData(16ul << 20)]
    public void Slots_of_later_stretches_are_checked_as_well(ulong reserve)
    {
        using var live = new LiveSet(new() { Level = Level.Checked, ReserveBytes = reserve });
        live.AllocMany(600, 60_000);
        live.AllocMany(200, 6000);
        var stretch = live.Cache.Record->Heap->Stretches[1];
        Assert.NotEqual(0ul, stretch);
        foreach (var index in new[] { 599, 799, 0 })
        {
            var (address, size, _) = live.Live[index];
            Assert.Throws<AllocatorMisuseException>(() => live.Allocator.Free(ref live.Cache, (void*)(address + 8), (nuint)size));
            Assert.Throws<AllocatorMisuseException>(() => live.Allocator.Free(ref live.Cache, (void*)address, 17));
            live.FreeWhere(i => i == index, sized: index != 0);
            Assert.Throws<AllocatorMisuseException>(() => live.Allocator.Free(ref live.Cache, (void*)address, (nuint)size));
            Assert.Throws<AllocatorMisuseException>(() => live.Allocator.Free(ref live.Cache, (void*)address));
            live.Alloc(size);
        }

        MisuseIsToldAtOnce.StaysRight(live);
    }
}

/// <summary>What the tests above run in a process of their own.</summary>
public static class LevelScenarios
{
    public static string Levels()
    {
        using var auto = new BitTreeAllocator();
        using var fast = new BitTreeAllocator(new() { Level = Level.Fast });
        using var safe = new BitTreeAllocator(new() { Level = Level.Checked });
        return $"{auto.Level} {fast.Level} {safe.Level}";
    }

    public static string Refusal()
    {
        try
        {
            new BitTreeAllocator().Dispose();
            return "accepted";
        }
        catch (ArgumentException refused)
        {
            return refused.Message.ReplaceLineEndings(" ");
        }
    }

    /// <summary>Runs every test without parameters of the contract, here where BITTREE_CHECK is set.</summary>
    public static string Contract()
    {
        var count = 0;
        foreach (var type in typeof(Ownership).Assembly.GetTypes().Where(type => type.Namespace == typeof(Ownership).Namespace && !type.IsAbstract && type.IsPublic))
        {
            foreach (var test in type.GetMethods().Where(method => method.GetCustomAttributes<FactAttribute>().Any() && method.GetParameters().Length == 0 && type.GetConstructor([]) is not null))
            {
                try
                {
                    test.Invoke(Activator.CreateInstance(type), null);
                }
                catch (TargetInvocationException failure)
                {
                    throw new InvalidOperationException($"{type.Name}.{test.Name}: {failure.InnerException}");
                }

                count++;
            }
        }

        return $"{count} tests of the contract hold";
    }
}
