using BitTreeAlloc.Tests.Property.Harness;
using FsCheck.Fluent;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace BitTreeAlloc.Tests.Property.WholeAllocator;

/// <summary>What a failing property shows can be pasted into an empty console program.</summary>
public sealed class ProgramsPrintAsCSharp
{
    [Fact]
    public void Random_programs_print_as_source_that_compiles()
    {
        foreach (var setup in new[] { Setup.Default, Setup.Default with { DenyOs = true } })
            foreach (var program in ProgramGenerator.Programs(setup).Generator.Sample(5, 10))
                Assert.Empty(Errors(program.ToString()));
    }

    [Fact]
    public void Every_verb_prints_as_source_that_compiles()
    {
        var verbs = Enum.GetValues<Verb>().Where(verb => verb is not (Verb.Alloc or Verb.Free or Verb.FreeSized));
        var steps = new List<Step>();
        foreach (var (verb, i) in verbs.Select((verb, i) => (verb, i + 1)))
        {
            steps.Add(new Step(Verb.AllocAligned, i * 10, 100, 64, Step.Ambient, Try: i % 2 == 0));
            var step = new Step(verb, i * 10, 40, 8, i % 3);
            steps.Add(step.Makes ? step with { Block = (i * 10) + 1 } : step);
            steps.Add(new Step(i % 2 == 0 ? Verb.FreeSized : Verb.Free, i * 10, Cache: Step.Ambient, Try: i % 3 == 0));
        }

        Assert.Empty(Errors(new AllocatorProgram(Setup.Default, [.. steps]).ToString()));
    }

    [Fact]
    public void Source_that_does_not_compile_is_told() => Assert.NotEmpty(Errors("unsafe { void* p = allocator.Alloc(1); }"));

    private static IEnumerable<string> Errors(string source)
    {
        var platform = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => Path.GetFileName(path) is "System.Private.CoreLib.dll" or "System.Runtime.dll" or "System.Console.dll" or "BitTreeAlloc.dll");
        var compilation = CSharpCompilation.Create(
            "program",
            [CSharpSyntaxTree.ParseText(source)],
            platform.Select(path => MetadataReference.CreateFromFile(path)),
            new CSharpCompilationOptions(OutputKind.ConsoleApplication, allowUnsafe: true));
        return compilation.GetDiagnostics().Where(told => told.Severity == DiagnosticSeverity.Error).Select(told => $"{told} in\n{source}");
    }
}
