using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Litmus;

namespace BitTreeAlloc.Tests.Explorer.Engine;

/// <summary>Four mistakes that an engine of this kind invites, each with the smallest program that shows it: the count that is right, and the count of the engine that makes the mistake.</summary>
public sealed class PitfallTests
{
    /// <summary>The read of y sees the released store, so the write of z comes first; an exchange-add that reads the initial z would have to stand below it.</summary>
    [Fact]
    public void The_store_of_a_read_modify_write_whose_read_is_old_is_checked_before_it_goes_below_other_stores() =>
        Shows("old:W z 2 rlx; W y 3 rel || R y rel; A z 3 ar", MemoryModel.Net, 3, EngineMutant.NoPendingCheck, 4);

    /// <summary>Both exchanges read the initial value first; that graph is no execution, but only from it the second can be offered to the first.</summary>
    [Fact]
    public void A_store_that_conflicts_with_another_read_modify_write_is_still_offered_to_earlier_reads() =>
        Shows("conflict:X x 1 rel || X x 1 sc", MemoryModel.Sc, 2, EngineMutant.NoRevisitsOfConflict, 1);

    /// <summary>The acquire read of the thread's own exchange has to wait for it to be visible, as on the hardware; without, the next read could be older than what the exchange was ordered after.</summary>
    [Fact]
    public void An_acquire_read_of_its_own_threads_read_modify_write_waits_for_it_under_net() =>
        Shows("own:C z 0 2 sc; A x 3 acq || X x 2 rlx; R x acq; R z sc", MemoryModel.Net, 4, EngineMutant.NoOwnRmwEdge, 5);

    [Fact]
    public void Rc11_takes_the_form_of_scb_that_genmc_implements_and_not_the_papers() =>
        Shows("Z6.U:W x 1 sc; W y 1 rel || A y 1 sc; R y rlx || W y 3 sc; R x sc", MemoryModel.Rc11, 22, EngineMutant.PaperScb, 24);

    [Fact]
    public void More_stores_of_one_location_than_the_engine_holds_are_an_error_and_no_overrun()
    {
        var stores = string.Join("; ", Enumerable.Range(1, 200).Select(value => $"W x {value} rlx"));
        var error = Assert.Throws<ModelErrorException>(() => LitmusRunner.Run(LitmusProgram.Parse("many:" + stores), MemoryModel.Rc11));
        Assert.Equal(ModelErrorKind.BoundExceeded, error.Error.Kind);
    }

    private static void Shows(string line, MemoryModel model, long right, EngineMutant mutant, long wrong)
    {
        var program = LitmusProgram.Parse(line);
        Assert.Equal(right, Enumerator.Run(program)[Array.IndexOf(Enumerator.Models, model)].Executions);
        Assert.Equal(right, LitmusRunner.Run(program, model).Executions);
        Assert.Equal(wrong, LitmusRunner.Run(program, model, mutant: mutant).Executions);
    }
}
