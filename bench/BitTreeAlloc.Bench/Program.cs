using BitTreeAlloc.Bench;
using BitTreeAlloc.Bench.Twin;
using BitTreeAlloc.Tool.Cli;

try
{
    return Command.Parse(args) is { } command ? command.Run(Console.Out) : Command.Help(Console.Out);
}
catch (CliException e)
{
    Console.Error.WriteLine(e.Message);
    return 2;
}
catch (TwinException e)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}
