using BitTreeAlloc.Atomics;
using BitTreeAlloc.Core;
using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Support;
using Xunit.Abstractions;

namespace BitTreeAlloc.Tests.Unit.Core.Progress;

/// <summary>Two and three threads stopped at once; and a survivor that needs nothing from the system.</summary>
public sealed class ProgressOfManyTests(ITestOutputHelper output)
{
    private const int Rounds = 30;

    /// <summary>Blocks of each kind that the survivor may need: as many as the sizes it works with, and what fills their magazines.</summary>
    private const int Blocks = 24;
    private static readonly TimeSpan s_hang = TimeSpan.FromMinutes(1);

    /// <summary>Two operations end with a heap that has no room: whoever comes after them has to ask the system.</summary>
    public static TheoryData<string, CasWidth> CasesWithRoom
    {
        get
        {
            var cases = new TheoryData<string, CasWidth>();
            foreach (var one in ProgressTests.Cases.Where(one => one[0] is not ("memory is refused" or "a new stretch")))
                cases.Add((string)one[0], (CasWidth)one[1]);
            return cases;
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void With_several_threads_parked_at_random_hooks_another_completes_operations_of_every_kind(int threads) => Seeded.Run(1, random =>
    {
        var points = new Dictionary<string, int>(StringComparer.Ordinal);
        var worst = Stranded.None;
        for (var round = 0; round < Rounds; round++)
        {
            var width = round % 2 == 0 && CasStub.IsSupported ? CasWidth.Sixteen : CasWidth.Eight;
            using var world = new World(width, users: threads);
            using var release = new ManualResetEventSlim();
            var names = new List<string>();
            var parked = new List<Thread>();
            try
            {
                foreach (var user in world.Stopped)
                {
                    var operation = Operations.All[random.Next(1, Operations.All.Count)];
                    if (!points.TryGetValue(operation.Name, out var count))
                        points[operation.Name] = count = ProgressTests.Points(operation, CasWidth.Eight).Count;
                    var k = random.Next(1, count + 1);
                    names.Add($"{operation.Name} before access {k}");
                    parked.Add(Park(world, user, operation, k, release));
                }

                ProgressTests.Survive(world.Survivor, 10_000, random);
                var rest = world.Rest();
                Bounds.Check(new Operation("", (_, _) => { }) { Sweeps = true, Claims = true, HasSecond = true, Addresses = 96L << 30, Largest = 5_000_000 }, rest, threads);
                worst = worst.Max(rest);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"round {round}, {string.Join("; ", names)}: {e.Message}", e);
            }
            finally
            {
                release.Set();
                parked.ForEach(thread => thread.Join());
            }
        }

        output.WriteLine($"{threads} threads, {Rounds} rounds, the worst of each figure: {worst}");
    });

    [Theory]
    [MemberData(nameof(CasesWithRoom))]
    public void With_a_thread_stopped_at_any_hook_another_completes_10_000_small_operations_without_a_call_to_the_system(string name, CasWidth width)
    {
        var operation = Operations.Named(name);
        var sites = ProgressTests.Points(operation, width);
        var seen = new Dictionary<Site, int>();
        var stops = 0;
        for (var k = 1; k <= sites.Count; k++)
        {
            var times = seen[sites[k - 1]] = seen.GetValueOrDefault(sites[k - 1]) + 1;
            if (times > 1 && k % 397 != 0)
                continue;
            using var world = new World(width, PurgeMode.Off, budget: operation.Budget);
            var random = new Random(k);
            for (var step = 0; step < 3000; step++)
                world.Survivor.QuietStep(random);
            GiveRoom(world.Survivor);
            operation.Prepare?.Invoke(world, world.Stopped[0]);
            HookedAtomics.StopAt(k, () => operation.Act(world, world.Stopped[0]));
            operation.After?.Invoke(world);
            var before = world.Os.TotalCalls;
            for (var step = 0; step < 10_000; step++)
                world.Survivor.QuietStep(random);
            if (world.Os.TotalCalls != before)
                Assert.Fail($"{name}, stopped before access {k} ({sites[k - 1]}): {world.Os.TotalCalls - before} calls");
            stops++;
        }

        output.WriteLine($"{name}: {stops} stops at {seen.Count} sites, no call in 10 000 operations after each");
    }

    /// <summary>Empty blocks of each kind, which any class may take, and magazines for all that the recyclers may hold.</summary>
    private static unsafe void GiveRoom(Mutator user)
    {
        var next = user.Heap->MagazinesNextLine.Value;
        Assert.Equal(VmStatus.Ok, HeapOs<HardwareAtomics>.Ensure(user.Heap, &user.Heap->Magazines, Math.Min(next + (1 << 20), user.Heap->Magazines.Reserved)));
        var from = user.Live.Count;
        for (var i = 0; i < Blocks; i++)
            user.AllocUntouched(60_000);
        for (var i = 0; i < Blocks * 512; i++)
            user.AllocUntouched(32);
        for (var at = user.Live.Count - 1; at >= from; at--)
            user.Free(at, sized: true);
        user.Cache.Park();
    }

    /// <summary>A thread that runs the operation to its k-th access and stays there. Returns once it does, or has come to its end.</summary>
    private static Thread Park(World world, Mutator user, Operation operation, int k, ManualResetEventSlim release)
    {
        operation.Prepare?.Invoke(world, user);
        using var there = new ManualResetEventSlim();
        Exception? failure = null;
        var thread = new Thread(
            () =>
            {
                try
                {
                    HookedAtomics.With(
                        _ =>
                        {
                            if (--k != 0)
                                return;
                            there.Set();
                            release.Wait();
                            throw new StoppedException(); // the test is over
                        },
                        () => operation.Act(world, user));
                    there.Set();
                }
                catch (StoppedException)
                {
                }
                catch (Exception e)
                {
                    failure = e;
                    there.Set();
                }
            },
            256 << 10)
        { IsBackground = true };
        thread.Start();
        Assert.True(there.Wait(s_hang), "a thread neither stopped nor ended within a minute");
        operation.After?.Invoke(world);
        if (failure is not null)
            throw new InvalidOperationException(failure.Message, failure);
        return thread;
    }
}
