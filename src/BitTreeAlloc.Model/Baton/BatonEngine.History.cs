namespace BitTreeAlloc.Model.Baton;

/// <summary>What histories and waits ask about the current execution, in the same terms as of a graph.</summary>
internal sealed partial class BatonEngine
{
    /// <summary>Events of the running thread so far.</summary>
    public int Position => _memory.Events(_turn);

    /// <summary>Whether the first <paramref name="events"/> events of <paramref name="thread"/> all happen before the event of <paramref name="later"/> with that index.</summary>
    public bool HappensBefore(int thread, int events, int later, int index) =>
        thread == later ? events <= index : events == 0 || _memory.KnownBefore(later, index, thread) >= events;

    /// <summary>Whether the thread ran to its end.</summary>
    public bool IsDone(int thread) => (_scheduler.Alive >> thread & 1) == 0;

    /// <summary>A thread that waits here gets on by others' stores alone, so nothing it read need be the last word.</summary>
    public bool ReadsNewest(int thread, int first) => false;

    /// <summary>The running thread waits for another: the others go first.</summary>
    public void Yield()
    {
        if (_scheduler.Alive == 1 << _turn && _stale)
        {
            // What it read may have been old; from here on it reads what is there.
            _stale = false;
            return;
        }

        if (_scheduler.Alive == 1 << _turn)
            throw new Engine.ModelErrorException(Engine.ModelErrorKind.Deadlock, $"thread {_turn} waits, and no other thread is left");
        _scheduler.Yield(_turn);
    }
}
