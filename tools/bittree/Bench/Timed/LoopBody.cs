using BitTreeAlloc.Tool.Bench.Contenders;

namespace BitTreeAlloc.Tool.Bench.Timed;

/// <summary>One thread's part of a loop on one contender. Its calls are virtual, the operations within <see cref="Run"/> are not.</summary>
internal abstract class LoopBody
{
    /// <summary>Comes to where the loop runs as it will for ever: fills what it holds. Not timed.</summary>
    /// <param name="round">Choices of a round are the same for each contender; -1 is the warm-up.</param>
    /// <param name="verify">Check all that can be checked until <see cref="End"/>, at any price.</param>
    public abstract void Begin(int round, bool verify);

    /// <summary>Comes to where the given part of a loop of several starts; parts come in rising order. Not timed.</summary>
    public virtual void Select(int part)
    {
    }

    /// <summary>Does so many operations and nothing else.</summary>
    public abstract void Run(long operations);

    /// <summary>Makes it end soon where it waits for another thread, which will not come: that one has failed.</summary>
    public virtual void Stop(string why)
    {
    }

    /// <summary>Page faults so far of the threads that do this body's work; called by the thread that runs it. Null where the system does not tell.</summary>
    public virtual long? Faults() => ThreadFaults.Read();

    /// <summary>Checks and frees what is held. Not timed.</summary>
    public abstract void End();

    /// <summary>Calls of the operating system so far, of all threads of the contender; null where it does not count them.</summary>
    public abstract long? OsCalls();

    /// <summary>Times a magazine was filled or went home, of all threads of the contender; null where it does not count them.</summary>
    public abstract long? SlowPaths();

    /// <summary>Does so many operations; on failure nobody waits for this body any more.</summary>
    public void RunOrStop(LoopBody[] all, long operations)
    {
        try
        {
            Run(operations);
        }
        catch (Exception e)
        {
            foreach (var body in all)
                body.Stop(e.Message);
            throw;
        }
    }

    /// <summary>Ends this thread's cache.</summary>
    public abstract void CloseThread();

    /// <summary>Gives the contender's free memory back to the operating system.</summary>
    public abstract void Trim();

    /// <summary>Ends the contender, of which every thread's cache was ended.</summary>
    public abstract void Close();
}

/// <summary>A part with its adapter, which is a field here and nowhere else: a cache that binds itself at first use must not be lost with a copy.</summary>
internal abstract class LoopBody<TAdapter, TBuffer>(TAdapter adapter) : LoopBody
    where TAdapter : struct, IBenchAdapter<TAdapter, TBuffer>
    where TBuffer : struct
{
    /// <summary>This thread's adapter.</summary>
    protected TAdapter Adapter = adapter;

    /// <inheritdoc/>
    public sealed override long? OsCalls() => Adapter.OsCalls();

    /// <inheritdoc/>
    public sealed override long? SlowPaths() => Adapter.SlowPaths();

    /// <inheritdoc/>
    public sealed override void CloseThread() => Adapter.CloseThread();

    /// <inheritdoc/>
    public sealed override void Trim() => Adapter.Trim();

    /// <inheritdoc/>
    public sealed override void Close() => Adapter.Close();
}

/// <summary>A contender gave memory that it had given before, or its content changed.</summary>
internal sealed class LoopCheckException(string message) : InvalidOperationException(message);
