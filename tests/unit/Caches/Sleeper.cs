using System.Collections.Concurrent;

namespace BitTreeAlloc.Tests.Unit.Caches;

/// <summary>A thread that does what it is told and sleeps between: the owner of an idle ambient cache.</summary>
internal sealed class Sleeper : IDisposable
{
    private readonly BlockingCollection<Action> _jobs = [];
    private readonly Thread _thread;

    public Sleeper()
    {
        _thread = new Thread(() =>
        {
            foreach (var job in _jobs.GetConsumingEnumerable())
                job();
        })
        { IsBackground = true };
        _thread.Start();
    }

    /// <summary>Runs a job on the thread and waits for its end.</summary>
    public void Do(Action job)
    {
        using var done = new ManualResetEventSlim();
        Exception? failure = null;
        _jobs.Add(() =>
        {
            try
            {
                job();
            }
            catch (Exception e)
            {
                failure = e;
            }

            done.Set();
        });
        done.Wait();
        if (failure is not null)
            throw new InvalidOperationException(failure.Message, failure);
    }

    /// <summary>Lets the thread end.</summary>
    public void Dispose()
    {
        _jobs.CompleteAdding();
        _thread.Join();
        _jobs.Dispose();
    }
}
