using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Core;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Limits;

/// <summary>Many allocators in one process, and a system that counts every promised page.</summary>
public sealed unsafe class ManyAllocatorsTests
{
    [Fact]
    public void Three_hundred_allocators_live_at_once()
    {
        var all = new List<LiveSet>();
        try
        {
            for (var i = 0; i < 300; i++)
            {
                all.Add(new LiveSet(new()));
                all[i].AllocMany(50, 100 + i);
            }

            foreach (var live in all)
            {
                live.CheckAll();
                Assert.False(all[0].Allocator.Owns((void*)live.Live[0].Address) && live != all[0]);
            }
        }
        finally
        {
            foreach (var live in all)
                live.Dispose();
        }
    }

    [Theory]
    [MemberData(nameof(CasForms.All), MemberType = typeof(CasForms))]
    public void With_64_MiB_of_commit_charge_an_allocator_works_to_the_end_and_after(CasWidth width)
    {
        using var os = new SimulatedVirtualMemory(new() { CapacityBytes = 64 << 20, PurgeFreesCapacity = false });
        using (var live = LiveSet.Over(os, width, level: Level.Fast)) // the figures below are those of data; marks would add theirs
        {
            for (var round = 0; round < 2; round++)
            {
                AllocError error;
                while (live.TryAlloc(9000, out error))
                {
                }

                Assert.Equal(AllocError.CommitRefused, error);
                Assert.InRange(live.Count, (56 << 20) / 10_240, (64 << 20) / 9000);
                live.CheckAll();
                live.FreeAll();
                live.Allocator.Trim(ref live.Cache);
            }

            // What was promised stays promised: other classes of the same kind of block live on it.
            live.AllocMany(40_000, 1000);
            live.CheckAll();
        }

        Assert.Equal(0ul, os.CommittedBytes);
        Assert.Empty(os.Violations);
    }
}
