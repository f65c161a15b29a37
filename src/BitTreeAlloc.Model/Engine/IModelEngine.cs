using BitTreeAlloc.Atomics;

namespace BitTreeAlloc.Model.Engine;

/// <summary>What every engine offers to the model's atomics: events on numbered locations.</summary>
internal interface IModelEngine
{
    int AddLocation(ulong low, ulong high);

    (ulong Low, ulong High) FinalOf(int location);

    ulong Read(int location, MemoryOrder order, int half, Site site);

    void Write(int location, ulong low, ulong high, MemoryOrder order, Site site);

    (ulong Low, ulong High, bool Wrote) ReadModifyWrite(int location, RmwKind kind, ulong expectedLow, ulong expectedHigh, ulong desiredLow, ulong desiredHigh, MemoryOrder order, Site site);

    void Fence(MemoryOrder order, Site site);

    int Choose(int branches, Site site);
}
