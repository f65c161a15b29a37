#pragma warning disable SA1649, CS0169, CS0649, CA1823, IDE0044, IDE0051 // Fixtures: read as IL, never run.

namespace Planted
{
    internal enum PublicOption
    {
        None,
    }

    internal class PublicType
    {
        public Core.Outer? Below;
    }

    internal class ApiUsesDiagnosticsAsBase : Diagnostics.Report;
}

namespace Planted.Diagnostics
{
    internal class Report;
}

namespace Planted.Atomics
{
    internal static class UsesOsAsLocal
    {
        public static string? Method()
        {
            Os.Status status = default;
            return status.ToString();
        }
    }
}

namespace Planted.Bits
{
    internal static class UsesOsByCall
    {
        public static int Method() => Os.Calls.Number();
    }
}

namespace Planted.Os
{
    internal struct Status
    {
        public int Value;
    }

    internal static class Calls
    {
        public static int Number() => 1;
    }

    internal struct UsesCoreAsField
    {
        public Core.Outer? Field;
    }
}

namespace Planted.Core
{
    internal class Outer
    {
        internal static class UsesApiInNestedType
        {
            public static PublicOption[] Array = [];
        }
    }

    internal static class UsesApiAsParameter
    {
        public static void Method(ref PublicOption option) => option = default;
    }

    internal static class UsesApiAsGenericArgument
    {
        public static int Method() => new List<PublicOption>().Count;
    }

    internal unsafe struct UsesApiAsFunctionPointer
    {
        public delegate*<PublicOption, void> Pointer;
    }

    internal static class UsesApiAsConstraint<T>
        where T : PublicType;
}
