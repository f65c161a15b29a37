using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;

namespace BitTreeAlloc;

/// <summary>What a checked hit reads of its heap's first stretch, beside the allocator's own fields. All 0 before the heap and after it: every check then turns off the hit path.</summary>
internal unsafe struct MarkView
{
    public ulong Base;
    public ulong Bytes;
    public byte* ClassMap;
    public byte* Marks;

    public static MarkView Of(Heap* heap)
    {
        var stretch = (Stretch*)heap->Stretches[0];
        return new MarkView { Base = (ulong)stretch->Base, Bytes = stretch->Length, ClassMap = stretch->ClassMap, Marks = stretch->Marks };
    }
}
