using System.Runtime.InteropServices;
using BitTreeAlloc.Os;

namespace BitTreeAlloc.Tests.Property.Harness;

/// <summary>A simulated system of which n calls in a row can be refused, from the k-th next one on. Its book finds leaks and breaches of the contract.</summary>
internal sealed unsafe class DenyingMemory : IDisposable
{
    private readonly State* _state;
    private readonly SimulatedVirtualMemory _system;

    public DenyingMemory(SimulatedVirtualMemoryOptions? options = null)
    {
        _system = new SimulatedVirtualMemory(options);
        _state = (State*)NativeMemory.AllocZeroed((nuint)sizeof(State));
        _state->Inner = _system.Table;
    }

    public SimulatedVirtualMemory System => _system;

    public VmTable Table => VmTable.Of<Forwarding>(_state);

    /// <summary>Calls so far that can be refused: reserve, commit, purge and advice. A release never is.</summary>
    public long Calls => Interlocked.Read(ref _state->Calls);

    public long Denied => Interlocked.Read(ref _state->Denied);

    public void Deny(long first, long count) => (_state->From, _state->To) = (Calls + first, Calls + first + count);

    public void DenyNothing() => (_state->From, _state->To) = (0, 0);

    /// <summary>What the caller did wrong so far, or left behind.</summary>
    public IEnumerable<string> Breaches() =>
        _system.ReservedBytes == 0 ? _system.Violations : [.. _system.Violations, $"after Dispose {_system.ReservedBytes} bytes of address space are still reserved"];

    public void Dispose()
    {
        _system.Dispose();
        NativeMemory.Free(_state);
    }

    private struct State
    {
        public VmTable Inner;
        public long Calls;
        public long Denied;
        public long From;
        public long To;
    }

    private readonly struct Forwarding : IVirtualMemory
    {
        public static nuint PageSize(void* context) => ((State*)context)->Inner.PageSize();

        public static VmStatus Reserve(void* context, nuint bytes, nuint alignment, void** address)
        {
            *address = null;
            return Refuses((State*)context) ? VmStatus.AddressSpaceExhausted : ((State*)context)->Inner.Reserve(bytes, alignment, address);
        }

        public static VmStatus Commit(void* context, void* address, nuint bytes) =>
            Refuses((State*)context) ? VmStatus.CommitRefused : ((State*)context)->Inner.Commit(address, bytes);

        public static VmStatus Purge(void* context, void* address, nuint bytes) =>
            Refuses((State*)context) ? VmStatus.NotSupported : ((State*)context)->Inner.Purge(address, bytes);

        public static VmStatus Release(void* context, void* address, nuint bytes) => ((State*)context)->Inner.Release(address, bytes);

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
