namespace BitTreeAlloc.Tests.Unit.Support;

/// <summary>Threads that start together; the first failure of any fails the test.</summary>
internal static class Threads
{
    public static void Run(int count, Action<int> work)
    {
        using var gate = new Barrier(count);
        Exception? failure = null;
        var threads = Enumerable.Range(0, count).Select(number => new Thread(() =>
        {
            try
            {
                gate.SignalAndWait();
                work(number);
            }
            catch (Exception e)
            {
                Interlocked.CompareExchange(ref failure, e, null);
            }
        })
        { IsBackground = true }).ToArray();
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();
        if (failure is not null)
            throw new InvalidOperationException(failure.Message, failure);
    }
}
