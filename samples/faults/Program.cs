using BitTreeAlloc;
using BitTreeAlloc.Os;

// Your code under test: here it builds a list of buffers and takes it down again. It has to survive a refusal anywhere.
static unsafe bool BuildAndDrop(BitTreeAllocator allocator)
{
    var buffers = new List<nint>();
    var isComplete = true;
    for (nuint size = 100; size < 1_000_000 && isComplete; size *= 3)
    {
        isComplete = allocator.TryAlloc(size, out var buffer, out _);
        if (isComplete)
            buffers.Add((nint)buffer);
    }

    foreach (var buffer in buffers)
        allocator.Free((void*)buffer);
    return isComplete;
}

// For every k: the k-th call to the operating system fails, and nothing is lost.
var failed = 0;
var k = 1;
for (; ; k++)
{
    using var os = new SimulatedVirtualMemory();
    using (var allocator = new BitTreeAllocator(new() { VirtualMemory = os.Table }))
    {
        os.FailAt(verb: null, k); // counted from now: the constructor is through
        if (!BuildAndDrop(allocator))
            failed++;
        if (allocator.GetStatistics().LiveBytes != 0)
            throw new InvalidOperationException($"call {k} failed, and {allocator.GetStatistics().LiveBytes} bytes are lost");
        if (os.FaultsInjected == 0)
            break; // fewer than k calls: every one has failed once

        os.ClearFaults();
        if (!BuildAndDrop(allocator))
            throw new InvalidOperationException($"call {k} failed once, and the allocator does not recover");
    }

    if (os.ReservedBytes != 0 || os.Violations.Count != 0)
        throw new InvalidOperationException($"call {k} failed: {os.ReservedBytes} bytes are still reserved. {string.Join(' ', os.Violations)}");
}

Console.WriteLine($"{k - 1} calls failed, one in each run");
Console.WriteLine(failed < k ? "nothing was lost" : "nothing worked");
