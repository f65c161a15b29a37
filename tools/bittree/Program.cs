return BitTreeAlloc.Tool.Cli.CommandLine.Run(args, Console.Out, Console.Error);
