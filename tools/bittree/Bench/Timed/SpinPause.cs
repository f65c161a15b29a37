namespace BitTreeAlloc.Tool.Bench.Timed;

/// <summary>How loops wait for another thread.</summary>
internal static class SpinPause
{
    /// <summary>Spins, and lets another thread have the core where that does not help.</summary>
    public static void Wait(ref int spins)
    {
        if (++spins % 256 == 0)
            Thread.Yield();
        else
            Thread.SpinWait(4);
    }
}
