using System.Collections;
using System.Reflection;
using System.Runtime.InteropServices;

namespace BitTreeAlloc.Tool.Allocators;

/// <summary>
/// Room for libraries that insist on static thread-local storage. glibc keeps some in reserve for dlopen, too little for jemalloc's 2.6 KB beside
/// the runtime's; how much is decided before a process starts, by an environment variable. So the tool starts itself over with it, once.
/// </summary>
internal static unsafe partial class StaticTls
{
    private const string Variable = "GLIBC_TUNABLES";
    private const string Setting = "glibc.rtld.optional_static_tls=16384";

    /// <summary>True where a library was found but refused for lack of static TLS.</summary>
    public static bool IsWhatsMissing(IEnumerable<string> files) => OperatingSystem.IsLinux() && files.Any(Refuses);

    /// <summary>Replaces this process by the same command with more room. Returns only where that is not possible or was done before.</summary>
    public static void StartOver()
    {
        var tunables = Environment.GetEnvironmentVariable(Variable);
        if (tunables?.Contains("optional_static_tls", StringComparison.Ordinal) == true || Assembly.GetEntryAssembly() != typeof(StaticTls).Assembly)
            return;
        var environment = new List<string>();
        foreach (DictionaryEntry entry in Environment.GetEnvironmentVariables())
        {
            if ((string)entry.Key != Variable)
                environment.Add($"{entry.Key}={entry.Value}");
        }

        environment.Add($"{Variable}={(string.IsNullOrEmpty(tunables) ? Setting : $"{tunables}:{Setting}")}");
        var arguments = File.ReadAllText("/proc/self/cmdline").TrimEnd('\0').Split('\0');
        if (Environment.ProcessPath is { } program)
            _ = Execve(program, Vector(arguments), Vector(environment));
    }

    private static bool Refuses(string file)
    {
        try
        {
            NativeLibrary.Free(NativeLibrary.Load(file));
            return false;
        }
        catch (DllNotFoundException e)
        {
            return e.Message.Contains("static TLS", StringComparison.OrdinalIgnoreCase);
        }
    }

    // Never freed: execve takes the whole address space with it.
    private static byte** Vector(IReadOnlyList<string> strings)
    {
        var vector = (byte**)NativeMemory.AllocZeroed((nuint)strings.Count + 1, (nuint)sizeof(byte*));
        for (var i = 0; i < strings.Count; i++)
            vector[i] = (byte*)Marshal.StringToCoTaskMemUTF8(strings[i]);
        return vector;
    }

    [LibraryImport("libc", EntryPoint = "execve", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Execve(string program, byte** arguments, byte** environment);
}
