using System.Runtime.InteropServices;
using BitTreeAlloc.Os;

namespace BitTreeAlloc.Tests.Property.Harness;

/// <summary>The system's virtual memory, of which calls can be refused: from the k-th next one on, and n of them. Counts what is reserved, so that a leak shows.</summary>
internal sealed unsafe class DenyingMemory : IDisposable
{
    private readonly State* _state;

    public DenyingMemory()
    {
        _state = (State*)NativeMemory.AllocZeroed((nuint)sizeof(State));
        _state->Inner = SystemVirtualMemory.Table;
    }

    public VmTable Table => VmTable.Of<Forwarding>(_state);

    /// <summary>Calls so far that can be refused: reserve, commit, purge and advice. A release never is.</summary>
    public long Calls => Interlocked.Read(ref _state->Calls);

    public long Denied => Interlocked.Read(ref _state->Denied);

    public long ReservedBytes => Interlocked.Read(ref _state->Reserved);

    public long Purges => Interlocked.Read(ref _state->Purges);

    public void Deny(long first, long count) => (_state->From, _state->To) = (Calls + first, Calls + first + count);

    public void DenyNothing() => (_state->From, _state->To) = (0, 0);

    public void Dispose() => NativeMemory.Free(_state);

    private struct State
    {
        public VmTable Inner;
        public long Calls;
        public long Denied;
        public long Reserved;
        public long Purges;
        public long From;
        public long To;
    }

    private readonly struct Forwarding : IVirtualMemory
    {
        public static nuint PageSize(void* context) => ((State*)context)->Inner.PageSize();

        public static VmStatus Reserve(void* context, nuint bytes, nuint alignment, void** address)
        {
            var state = (State*)context;
            *address = null;
            if (Refuses(state))
                return VmStatus.AddressSpaceExhausted;
            var status = state->Inner.Reserve(bytes, alignment, address);
            if (status == VmStatus.Ok)
                Interlocked.Add(ref state->Reserved, (long)bytes);
            return status;
        }

        public static VmStatus Commit(void* context, void* address, nuint bytes) =>
            Refuses((State*)context) ? VmStatus.CommitRefused : ((State*)context)->Inner.Commit(address, bytes);

        public static VmStatus Purge(void* context, void* address, nuint bytes)
        {
            Interlocked.Increment(ref ((State*)context)->Purges);
            return Refuses((State*)context) ? VmStatus.CommitRefused : ((State*)context)->Inner.Purge(address, bytes);
        }

        public static VmStatus Release(void* context, void* address, nuint bytes)
        {
            var status = ((State*)context)->Inner.Release(address, bytes);
            if (status == VmStatus.Ok)
                Interlocked.Add(ref ((State*)context)->Reserved, -(long)bytes);
            return status;
        }

        public static VmStatus Advise(void* context, void* address, nuint bytes, VmAdvice advice) =>
            Refuses((State*)context) ? VmStatus.NotSupported : ((State*)context)->Inner.Advise(address, bytes, advice);

        public static int NodeCount(void* context) => ((State*)context)->Inner.NodeCount();

        private static bool Refuses(State* state)
        {
            var call = Interlocked.Increment(ref state->Calls);
            if (call < state->From || call >= state->To)
                return false;
            Interlocked.Increment(ref state->Denied);
            return true;
        }
    }
}
