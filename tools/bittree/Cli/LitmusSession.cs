using System.Globalization;
using System.Text.Json;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Litmus;
using BitTreeAlloc.Tool.Output;
using Spectre.Console;

namespace BitTreeAlloc.Tool.Cli;

/// <summary>One row of <c>bittree litmus</c>.</summary>
internal sealed record LitmusRow(string Name, string Model, long Executions, int Outcomes, uint Hash);

/// <summary>One call of <c>bittree litmus</c>, from the checked options to the exit code. The whole file is read before anything is explored.</summary>
internal sealed class LitmusSession(TextWriter output, TextWriter error)
{
    private const int WidthOfFiles = 120;

    /// <summary>Runs; returns the exit code.</summary>
    public int Run(LitmusOptions options)
    {
        var tests = Read(options.File);
        var report = options.Json is null ? null : new JsonReport(options.Json);
        var rows = new List<LitmusRow>();
        ProgressReporter.Run(error, tests.Count * options.Models.Count, progress =>
        {
            foreach (var (line, test) in tests)
            {
                foreach (var model in options.Models)
                {
                    rows.Add(Explore(options.File, line, test, model, progress));
                    progress.Step();
                }
            }
        });
        WriteTable(rows);
        report?.Write(rows, WriteRow);
        return ExitCode.Success;
    }

    private static LitmusRow Explore(string file, int line, LitmusProgram test, MemoryModel model, ProgressReporter progress)
    {
        var name = LitmusCommand.Models.First(known => known.Model == model).Name;
        progress.Activity = $"{test.Name} {name}";
        try
        {
            var result = LitmusRunner.Run(test, model, tick: executions =>
            {
                progress.Activity = string.Create(CultureInfo.InvariantCulture, $"{test.Name} {name}: {executions} executions so far");
                progress.Show();
            });
            return new LitmusRow(test.Name, name, result.Executions, result.Outcomes.Count, result.Hash);
        }
        catch (ModelErrorException e)
        {
            throw new CliException($"{file}, line {line}: {e.Message}");
        }
    }

    private static List<(int Line, LitmusProgram Test)> Read(string file)
    {
        if (Directory.Exists(file))
            throw new CliException($"{file}: it is a directory");
        var tests = new List<(int Line, LitmusProgram Test)>();
        var number = 0;
        foreach (var line in File.ReadLines(file))
        {
            number++;
            var text = line.Trim();
            if (text.Length == 0 || text[0] == '#')
                continue;
            try
            {
                tests.Add((number, LitmusProgram.Parse(text)));
            }
            catch (LitmusFormatException e)
            {
                throw new CliException($"{file}, line {number}: {e.Message}");
            }
        }

        return tests.Count != 0 ? tests : throw new CliException($"{file}: no litmus test in it");
    }

    private void WriteTable(List<LitmusRow> rows)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        if (Console.IsOutputRedirected || !ReferenceEquals(output, Console.Out))
            console.Profile.Width = WidthOfFiles;
        var table = new Table().Border(TableBorder.Rounded);
        foreach (var name in (string[])["test", "model"])
            table.AddColumn(new TableColumn(name).NoWrap());
        foreach (var name in (string[])["executions", "outcomes", "hash"])
            table.AddColumn(new TableColumn(name).NoWrap().RightAligned());
        foreach (var row in rows)
            table.AddRow(new Text(row.Name), new Text(row.Model), Number(row.Executions), Number(row.Outcomes), Number(row.Hash));
        console.Write(table);
    }

    private static Text Number(long value) => new(value.ToString(CultureInfo.InvariantCulture));

    private static void WriteRow(Utf8JsonWriter json, LitmusRow row)
    {
        json.WriteStartObject();
        json.WriteString("name", row.Name);
        json.WriteString("model", row.Model);
        json.WriteNumber("executions", row.Executions);
        json.WriteNumber("outcomes", row.Outcomes);
        json.WriteNumber("hash", row.Hash);
        json.WriteEndObject();
    }
}
