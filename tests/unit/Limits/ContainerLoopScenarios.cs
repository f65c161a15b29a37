using System.Globalization;
using BitTreeAlloc.Os;

namespace BitTreeAlloc.Tests.Unit.Limits;

/// <summary>Loops that never have enough and touch all they get, in a process of its own under a limit of the system's; what they hold hangs together by its own first words, so that no list grows beside it.</summary>
public static unsafe class ContainerLoopScenarios
{
    private const int MiB = 1 << 20;

    public static string SmallObjects() => Loop(i => 16 + (i % 40 * 32), seventeenths: false);

    public static string Regions() => Loop(i => (3 + (i % 9)) * MiB, seventeenths: false);

    public static string Both() => Loop(i => i % 2000 == 0 ? (3 + (i / 2000 % 5)) * MiB : 24 + (i % 30 * 100), seventeenths: false);

    /// <summary>Lives come and go: the same limit, met by fragmentation too.</summary>
    public static string Churn() => Loop(i => i % 3000 == 0 ? 5 * MiB : 24 + (i % 90 * 100), seventeenths: true);

    private static string Loop(Func<int, int> sizeOf, bool seventeenths)
    {
        using var allocator = new BitTreeAllocator();
        var cache = allocator.CreateCache();
        var (soft, hard) = (0, 0);
        var handed = 0ul;
        allocator.LimitReached += (sender, args) =>
        {
            soft += args.Kind == MemoryLimitKind.Soft ? 1 : 0;
            hard += args.Kind == MemoryLimitKind.Hard ? 1 : 0;

            // A handler may use the allocator.
            if (allocator.TryAlloc(ref cache, 100, out var slot, out _))
                allocator.Free(ref cache, slot);
            handed = args.ChargedBytes;
        };

        // Once with little, so that the code of the refusal is there before room is short.
        var (given, givenSoft) = (allocator.HardLimitBytes, allocator.SoftLimitBytes);
        allocator.SoftLimitBytes = 0;
        allocator.HardLimitBytes = 24 * MiB;
        _ = Fill(allocator, ref cache, sizeOf, seventeenths, out _, out _);
        var told = Message(allocator, ref cache);
        allocator.Trim(ref cache);
        allocator.HardLimitBytes = given;
        allocator.SoftLimitBytes = givenSoft;
        (soft, hard) = (0, 0);

        var bytes = Fill(allocator, ref cache, sizeOf, seventeenths, out var reason, out var isIntact);
        told &= Message(allocator, ref cache);
        var left = allocator.GetStatistics().LiveBytes;

        // It goes on: the same again.
        var again = Fill(allocator, ref cache, sizeOf, seventeenths, out var second, out var isIntactAgain);
        cache.Dispose();
        return string.Create(CultureInfo.InvariantCulture, $"{reason} {second} {soft} {hard} {bytes} {again} {given} {(isIntact && isIntactAgain ? "intact" : "damaged")} {left} {(told ? "told" : "untold")} {Environment.WorkingSet} {handed}");
    }

    /// <summary>Takes until it is refused, checks, frees all; the most bytes that were asked for and held at once.</summary>
    private static long Fill(BitTreeAllocator allocator, ref ThreadCache cache, Func<int, int> sizeOf, bool seventeenths, out AllocError reason, out bool isIntact)
    {
        nint head = 0;
        var (held, most) = (0L, 0L);
        isIntact = true;
        for (var i = 0; ; i++)
        {
            var size = sizeOf(i);
            if (!allocator.TryAlloc(ref cache, (nuint)size, out var slot, out reason))
                break;
            new Span<byte>(slot, size).Fill((byte)size);
            *(nint*)slot = head;
            *((int*)slot + 2) = size;
            head = (nint)slot;
            held += size;
            most = Math.Max(most, held);
            if (seventeenths && i % 17 == 16)
            {
                for (var pops = 0; pops < 6; pops++)
                    isIntact &= Pop(allocator, ref cache, ref head, ref held);
            }
        }

        while (head != 0)
            isIntact &= Pop(allocator, ref cache, ref head, ref held);
        return most;
    }

    private static bool Pop(BitTreeAllocator allocator, ref ThreadCache cache, ref nint head, ref long held)
    {
        var slot = head;
        var size = *((int*)slot + 2);
        head = *(nint*)slot;
        held -= size;
        var isIntact = size <= 16 || !new Span<byte>((void*)(slot + 12), size - 12).ContainsAnyExcept((byte)size);
        allocator.Free(ref cache, (void*)slot, (nuint)size);
        return isIntact;
    }

    /// <summary>The throwing form says why.</summary>
    private static bool Message(BitTreeAllocator allocator, ref ThreadCache cache)
    {
        try
        {
            allocator.Free(ref cache, allocator.Alloc(ref cache, (nuint)8 << 30));
            return false;
        }
        catch (AllocatorOutOfMemoryException e)
        {
            return e.Message.Contains(e.Error.ToString(), StringComparison.Ordinal) && e.Error is AllocError.LimitReached or AllocError.CommitRefused;
        }
    }
}
