using System.Globalization;
using System.Text;

namespace BitTreeAlloc.Tests.Property.Harness;

/// <summary>A program as C# source against the public API, ready to be pasted into a file of its own.</summary>
internal static class ProgramText
{
    private const string Helpers = """
        static unsafe void Fill(void* p, nuint size, int seed)
        {
            for (nuint i = 0; i < size; i++)
                ((byte*)p)[i] = (byte)((nuint)seed * 131 + i + 1);
        }

        static unsafe void Check(void* p, nuint size, int seed)
        {
            for (nuint i = 0; i < size; i++)
                if (((byte*)p)[i] != (byte)((nuint)seed * 131 + i + 1))
                    throw new Exception($"block {seed}: wrong byte at offset {i} of {size}");
        }

        static unsafe void CheckZero(void* p, nuint size)
        {
            for (nuint i = 0; i < size; i++)
                if (((byte*)p)[i] != 0)
                    throw new Exception($"not zero at offset {i} of {size}");
        }
        """;

    public static string Print(AllocatorProgram program)
    {
        var text = new StringBuilder("using System;\nusing BitTreeAlloc;\n\nunsafe\n{\n");
        var setup = program.Setup;
        text.Append("    using var allocator = new BitTreeAllocator(new BitTreeAllocatorOptions { ")
            .Append(CultureInfo.InvariantCulture, $"CasWidth = CasWidth.{setup.CasWidth}, Profile = Profile.{setup.Profile}, ")
            .Append(CultureInfo.InvariantCulture, $"MinimumAlignment = {setup.MinimumAlignment}, Purging = PurgeMode.{setup.Purging}, Level = Level.{setup.Level} }});\n");
        for (var cache = 0; cache < Setup.Caches; cache++)
            text.Append(CultureInfo.InvariantCulture, $"    ThreadCache c{cache} = allocator.CreateCache();\n");
        var sizes = new Dictionary<int, (nuint Size, nuint Alignment)>();
        foreach (var step in program.Steps)
            foreach (var line in Lines(step, sizes))
                text.Append("    ").Append(line).Append('\n');
        text.Append("    // The runner frees what is left.\n");
        foreach (var step in ProgramRunner.Epilogue(program.LiveAtEnd()))
            foreach (var line in Lines(step, sizes))
                text.Append("    ").Append(line).Append('\n');
        return text.Append("    Console.WriteLine($\"live: {allocator.GetStatistics().LiveBytes}\");\n}\n\n").Append(Helpers).Append('\n').ToString();
    }

    private static IEnumerable<string> Lines(Step step, Dictionary<int, (nuint Size, nuint Alignment)> sizes)
    {
        var (p, cache) = ($"p{step.Block}", step.Cache == Step.Ambient ? "" : $"ref c{step.Cache}, ");
        var old = sizes.GetValueOrDefault(step.Block);
        if (step.Makes)
        {
            var size = step.Verb == Verb.AllocCounted ? step.Size * step.Alignment : step.Size;
            sizes[step.Block] = (size, step.Verb == Verb.AllocAligned ? step.Alignment : 0);
            yield return Making(step, p, cache);
            if (step.Verb is Verb.AllocZeroed or Verb.AllocCounted)
                yield return $"if ({p} != null) CheckZero({p}, {Number(size)});";
            yield return $"if ({p} != null) Fill({p}, {Number(size)}, {step.Block});";
            yield break;
        }

        if (step.Verb == Verb.Realloc)
        {
            sizes[step.Block] = (step.Size, step.Alignment);
            var then = $"Check({p}, {Math.Min(step.Size, old.Size)}, {step.Block}); Fill({p}, {step.Size}, {step.Block});";
            yield return step.Alignment != 0 ? $"{p} = allocator.ReallocAligned({cache}{p}, {step.Size}, {step.Alignment}); {then}"
                : step.Try ? $"{{ if ({p} != null && allocator.TryRealloc({cache}{p}, {step.Size}, out var moved, out _)) {{ {p} = moved; {then} }} }}"
                : $"{p} = allocator.Realloc({cache}{p}, {step.Size}); {then}";
            yield break;
        }

        if (step.Uses)
            yield return $"if ({p} != null) Check({p}, {Number(old.Size)}, {step.Block});";
        if (step.Verb == Verb.Verify)
            yield break;
        yield return step.Verb switch
        {
            Verb.Free when step.Try => $"allocator.TryFree({cache}{p}, out _);",
            Verb.Free => $"allocator.Free({cache}{p});",
            Verb.FreeSized when old.Alignment != 0 => $"if ({p} != null) allocator.FreeAligned({cache}{p}, {Number(old.Size)}, {Number(old.Alignment)});",
            Verb.FreeSized => $"if ({p} != null) allocator.Free({cache}{p}, {Number(old.Size)});",
            Verb.Figures => "Console.WriteLine(allocator.GetStatistics());",
            Verb.Park => $"c{step.Cache}.Park();",
            Verb.Trim => "allocator.Trim();",
            Verb.TrimCache => $"allocator.Trim(ref c{step.Cache});",
            Verb.RenewCache => $"c{step.Cache}.Dispose(); c{step.Cache} = {(step.Try ? "default" : "allocator.CreateCache()")};",
            _ => $"// From here on the OS refuses {step.Alignment} call(s), beginning with the {step.Size}. next one.",
        };
    }

    private static string Making(Step step, string p, string cache)
    {
        var (name, arguments) = step.Verb switch
        {
            Verb.AllocAligned => ("AllocAligned", $"{Number(step.Size)}, {Number(step.Alignment)}"),
            Verb.AllocZeroed => ("AllocZeroed", $"{Number(step.Size)}"),
            Verb.AllocCounted => ("AllocZeroed", $"{Number(step.Alignment)}, {Number(step.Size)}"),
            _ => ("Alloc", $"{Number(step.Size)}"),
        };
        return step.Try && step.Verb != Verb.AllocCounted
            ? $"allocator.Try{name}({cache}{arguments}, out void* {p}, out _);"
            : $"void* {p} = allocator.{name}({cache}{arguments});";
    }

    // A literal above 32 bits is no nuint by itself.
    private static string Number(nuint value) => value <= uint.MaxValue ? $"{value}" : $"unchecked((nuint){value})";
}
