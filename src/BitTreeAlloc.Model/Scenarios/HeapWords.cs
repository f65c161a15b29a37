using BitTreeAlloc.Core;
using BitTreeAlloc.Model.Memory;

namespace BitTreeAlloc.Model.Scenarios;

/// <summary>Words of a heap that are the same in all scenarios.</summary>
internal static unsafe class HeapWords
{
    /// <summary>The heap is not sealed, and what counts lazy, huge or moved pages is no matter of any scenario.</summary>
    public static void IgnoreSettings(ModelMemory memory, Heap* heap)
    {
        memory.Ignore(&heap->SealLine.Value);
        memory.Ignore(&heap->SealBrokenLine.Value);
        memory.Ignore(&heap->LazyBytesLine.Value);
        memory.Ignore(&heap->AdviceDeniedLine.Value);
        memory.Ignore(&heap->HugePoolBytesLine.Value);
        memory.Ignore(&heap->HugeSkip21Line.Value);
        memory.Ignore(&heap->HugeSkip30Line.Value);
        memory.Ignore(&heap->HugePoolRefusalsLine.Value);
        memory.Ignore(&heap->HugePool30BytesLine.Value);
        memory.Ignore(&heap->MovedBytesLine.Value);
        memory.Ignore(&heap->MediumSlackLine.Value);
        memory.Ignore(&heap->SmallSlackLine.Value);
    }
}
