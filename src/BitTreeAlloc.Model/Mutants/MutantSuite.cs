using BitTreeAlloc.Model.Engine;

namespace BitTreeAlloc.Model.Mutants;

/// <summary>The mutants of the shipped protocols as the command line asks for them.</summary>
internal sealed class MutantSuite : IMutantSuite
{
    public IEnumerable<MutantRow> Run(Func<string, bool> isWanted, MemoryModel model)
    {
        foreach (var report in new MutantRunner(isWanted, model).Run())
        {
            yield return new MutantRow(report.Mutant, report.Scenario ?? "", report.IsKilled, report.Executions, report.Equivalent != null)
            {
                Evidence = report.Evidence,
                KilledUnderSc = report.KilledUnderSc,
                Argument = report.Equivalent,
            };
        }
    }
}
