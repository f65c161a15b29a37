namespace BitTreeAlloc;
/// <summary>cache</summary>
public unsafe struct ThreadCache : IDisposable
{
    internal void* _record;
    /// <summary>p</summary>
    public void Park() => throw new NotSupportedException();
    /// <summary>p</summary>
    public void Dispose() => throw new NotSupportedException();
}
