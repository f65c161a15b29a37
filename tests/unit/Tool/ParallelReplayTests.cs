using BitTreeAlloc.Tool.Replay;
using BitTreeAlloc.Tool.Traces;

namespace BitTreeAlloc.Tests.Unit.Tool;

public sealed class ParallelReplayTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(9)]
    public void Every_event_runs_once_and_after_the_previous_one_of_its_slot(int threads)
    {
        var trace = VerifyTests.TestTrace(60_000, threads);
        var order = new SlotOrder(trace);
        new ParallelRun<OrderHandler>(order.Plan, order.Handlers()).Execute();
        Assert.Equal(0, order.Violations);
        Assert.Equal(trace.Events.Length, order.Done);
        Assert.Equal(threads > 1, order.Plan.CrossThread > 0);
    }

    [Fact]
    public void The_check_above_fails_where_nobody_waits()
    {
        var trace = VerifyTests.TestTrace(60_000, 4);
        var order = new SlotOrder(trace);
        foreach (var thread in order.Plan.Threads)
        {
            foreach (ref var e in thread.Events.AsSpan())
                e.Thread = (ushort)PlanFlags.None;
        }

        // Thread 0 comes late, so whatever depends on it comes too early.
        new ParallelRun<OrderHandler>(order.Plan, order.Handlers(lateThread: 0)).Execute();
        Assert.NotEqual(0, order.Violations);
    }

    [Fact]
    public void Each_threads_events_keep_their_order_and_their_numbers()
    {
        var trace = VerifyTests.TestTrace(5000, 3);
        var plan = ParallelPlan.Build(trace);
        Assert.Equal(trace.Events.Length, plan.Threads.Sum(t => t.Events.Length));
        for (var t = 0; t < plan.Threads.Length; t++)
        {
            var (events, numbers, waits) = plan.Threads[t];
            Assert.Equal(numbers.Order(), numbers);
            Assert.Equal(waits.Length, events.Count(e => ((PlanFlags)e.Thread & PlanFlags.Wait) != 0));
            for (var i = 0; i < events.Length; i++)
                Assert.Equal((trace.Events[numbers[i]].Id, trace.Events[numbers[i]].Size, t), (events[i].Id, events[i].Size, trace.Events[numbers[i]].Thread));
        }
    }

    [Fact]
    public async Task A_thread_that_fails_ends_those_that_wait_for_it()
    {
        var trace = VerifyTests.TestTrace(20_000, 4);
        var order = new SlotOrder(trace);
        var run = Task.Run(() => new ParallelRun<OrderHandler>(order.Plan, order.Handlers(failingThread: 1)).Execute());
        Assert.Same(run, await Task.WhenAny(run, Task.Delay(TimeSpan.FromSeconds(30))));
        Assert.Equal("planted", (await Assert.ThrowsAsync<InvalidOperationException>(() => run)).Message);
    }

    private sealed class SlotOrder
    {
        private readonly int[] _previous;
        private readonly int[] _lastOfSlot;
        private int _violations;
        private int _done;

        public SlotOrder(Trace trace)
        {
            Plan = ParallelPlan.Build(trace);
            _previous = new int[trace.Events.Length];
            _lastOfSlot = new int[trace.Slots];
            Array.Fill(_lastOfSlot, -1);
            for (var i = 0; i < _previous.Length; i++)
            {
                _previous[i] = _lastOfSlot[trace.Events[i].Id];
                _lastOfSlot[trace.Events[i].Id] = i;
            }

            Array.Fill(_lastOfSlot, -1);
        }

        public ParallelPlan Plan { get; }

        public int Violations => _violations;

        public int Done => _done;

        public OrderHandler[] Handlers(int lateThread = -1, int failingThread = -1) =>
            [.. Plan.Threads.Select((plan, t) => new OrderHandler(this, plan.Numbers, t == lateThread, t == failingThread))];

        // Plain accesses on purpose: the replay's own order has to make them safe.
        public void Note(uint id, int number)
        {
            if (_lastOfSlot[id] != _previous[number])
                Interlocked.Increment(ref _violations);
            _lastOfSlot[id] = number;
            Interlocked.Increment(ref _done);
        }
    }

    private readonly struct OrderHandler(SlotOrder order, int[] numbers, bool late, bool failing) : IEventHandler
    {
        public void Handle(in TraceEvent e, int index)
        {
            if (late && index == 0)
                Thread.Sleep(300);
            if (failing && index == 20)
                throw new InvalidOperationException("planted");
            order.Note(e.Id, numbers[index]);
        }
    }
}
