using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Os;

/// <summary>Limits of control groups, found in trees of files that look as the kernel's do.</summary>
public sealed class ContainerLimitsTests
{
    private const string V2Mount = "35 24 0:30 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
    private const string V1Mount = "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory\n";
    private const string OtherMounts = "22 27 0:21 / /proc rw,relatime - proc proc rw\n34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset\n";
    private const string V1NoLimit = "9223372036854771712\n";

    [Fact]
    public void V2_takes_the_smallest_limit_up_to_the_root_and_reports_the_high_mark_apart()
    {
        using var tree = new WrittenTree(
            ("/proc/self/cgroup", "0::/user.slice/app.scope\n"),
            ("/proc/self/mountinfo", OtherMounts + V2Mount),
            ("/sys/fs/cgroup/user.slice/memory.max", "268435456\n"),
            ("/sys/fs/cgroup/user.slice/memory.current", "1000\n"),
            ("/sys/fs/cgroup/user.slice/memory.high", "max\n"),
            ("/sys/fs/cgroup/user.slice/app.scope/memory.max", "536870912\n"),
            ("/sys/fs/cgroup/user.slice/app.scope/memory.high", "100000000\n"),
            ("/sys/fs/cgroup/user.slice/app.scope/memory.current", "900\n"));
        Assert.Equal(new ContainerMemory(268435456, "/sys/fs/cgroup/user.slice/memory.max", 1000, 100000000), ContainerLimits.Read(tree.Root));
        tree.Write("/sys/fs/cgroup/user.slice/memory.high", "5000\n");
        tree.Write("/sys/fs/cgroup/user.slice/app.scope/memory.max", "268435455\n");
        Assert.Equal(new ContainerMemory(268435455, "/sys/fs/cgroup/user.slice/app.scope/memory.max", 900, 5000), ContainerLimits.Read(tree.Root));
    }

    [Fact]
    public void V2_without_limits_has_none_and_a_mark_alone_is_reported()
    {
        using var tree = new WrittenTree(
            ("/proc/self/cgroup", "0::/a/b\n"),
            ("/proc/self/mountinfo", V2Mount),
            ("/sys/fs/cgroup/a/b/memory.max", "max\n"),
            ("/sys/fs/cgroup/a/b/memory.high", "max\n"));
        Assert.Equal(ContainerMemory.None, ContainerLimits.Read(tree.Root));
        tree.Write("/sys/fs/cgroup/a/memory.high", "70000\n");
        Assert.Equal(ContainerMemory.None with { HighBytes = 70000 }, ContainerLimits.Read(tree.Root));
    }

    [Fact]
    public void A_group_namespace_shows_the_own_group_as_the_root()
    {
        using var tree = new WrittenTree(
            ("/proc/self/cgroup", "0::/\n"),
            ("/proc/self/mountinfo", V2Mount),
            ("/sys/fs/cgroup/memory.max", "1073741824\n"),
            ("/sys/fs/cgroup/memory.current", "77\n"));
        Assert.Equal(new ContainerMemory(1073741824, "/sys/fs/cgroup/memory.max", 77, 0), ContainerLimits.Read(tree.Root));
    }

    /// <summary>The path leads above what the namespace shows, or to a group that this mount does not have: the mount's top is the nearest.</summary>
    [Theory]
    [InlineData("0::/../other\n")]
    [InlineData("0::/docker/0123/not/here\n")]
    public void A_path_outside_of_what_is_mounted_is_taken_for_the_mounts_top(string group)
    {
        using var tree = new WrittenTree(
            ("/proc/self/cgroup", group),
            ("/proc/self/mountinfo", V2Mount),
            ("/sys/fs/cgroup/memory.max", "4096000\n"),
            ("/sys/fs/other/memory.max", "1\n"));
        Assert.Equal((4096000ul, "/sys/fs/cgroup/memory.max"), (ContainerLimits.Read(tree.Root).LimitBytes, ContainerLimits.Read(tree.Root).Source));
    }

    [Fact]
    public void V1_is_hierarchical_and_its_greatest_number_is_no_limit()
    {
        using var tree = new WrittenTree(
            ("/proc/self/cgroup", "11:cpuset:/\n4:hugetlb,memory:/kubepods/pod1/c1\n1:name=systemd:/x\n"),
            ("/proc/self/mountinfo", OtherMounts + V1Mount),
            ("/sys/fs/cgroup/memory/memory.limit_in_bytes", V1NoLimit),
            ("/sys/fs/cgroup/memory/kubepods/memory.limit_in_bytes", "8000000000\n"),
            ("/sys/fs/cgroup/memory/kubepods/pod1/memory.limit_in_bytes", "300000000\n"),
            ("/sys/fs/cgroup/memory/kubepods/pod1/memory.usage_in_bytes", "123\n"),
            ("/sys/fs/cgroup/memory/kubepods/pod1/c1/memory.limit_in_bytes", V1NoLimit));
        Assert.Equal(new ContainerMemory(300000000, "/sys/fs/cgroup/memory/kubepods/pod1/memory.limit_in_bytes", 123, 0), ContainerLimits.Read(tree.Root));

        // Old kernels: a group that does not charge its children.
        tree.Write("/sys/fs/cgroup/memory/kubepods/pod1/memory.use_hierarchy", "0\n");
        Assert.Equal(ContainerMemory.None, ContainerLimits.Read(tree.Root));
        tree.Write("/sys/fs/cgroup/memory/kubepods/pod1/memory.use_hierarchy", "1\n");
        Assert.Equal(300000000ul, ContainerLimits.Read(tree.Root).LimitBytes);
        foreach (var none in new[] { V1NoLimit, "9223372036854710272", "18446744073709551615", "-1" })
        {
            tree.Write("/sys/fs/cgroup/memory/kubepods/pod1/memory.limit_in_bytes", none);
            Assert.Equal(8000000000ul, ContainerLimits.Read(tree.Root).LimitBytes);
        }
    }

    /// <summary>A container on v1 without a namespace: the path is the host's, and the mount starts at the container's own group.</summary>
    [Fact]
    public void A_bind_mounted_group_is_found_by_its_root()
    {
        using var tree = new WrittenTree(
            ("/proc/self/cgroup", "4:memory:/docker/0123/inner\n"),
            ("/proc/self/mountinfo", "35 31 0:32 /docker/0123 /sys/fs/cgroup/memory ro,relatime master:9 - cgroup cgroup rw,memory\n"),
            ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "50000000\n"),
            ("/sys/fs/cgroup/memory/memory.usage_in_bytes", "49\n"),
            ("/sys/fs/cgroup/memory/inner/memory.limit_in_bytes", "60000000\n"),
            ("/sys/fs/cgroup/memory/docker/0123/inner/memory.limit_in_bytes", "1\n")); // not what the mount shows
        Assert.Equal(new ContainerMemory(50000000, "/sys/fs/cgroup/memory/memory.limit_in_bytes", 49, 0), ContainerLimits.Read(tree.Root));

        // A root that is a prefix of the name only is another group.
        tree.Write("/proc/self/cgroup", "4:memory:/docker/01234\n");
        Assert.Equal(50000000ul, ContainerLimits.Read(tree.Root).LimitBytes);
        Assert.Null(new CgroupMount(false, "/docker/0123", "/m").DirectoryOf("/docker/01234"));
        Assert.Equal("/m/inner", new CgroupMount(false, "/docker/0123", "/m").DirectoryOf("/docker/0123/inner"));
    }

    [Fact]
    public void In_a_hybrid_hierarchy_the_one_with_the_memory_controller_counts()
    {
        using var tree = new WrittenTree(
            ("/proc/self/cgroup", "4:memory:/app\n1:name=systemd:/s\n0::/app\n"),
            ("/proc/self/mountinfo", V1Mount + "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"),
            ("/sys/fs/cgroup/memory/app/memory.limit_in_bytes", "12345678\n"),
            ("/sys/fs/cgroup/unified/app/cgroup.procs", "1\n"));
        Assert.Equal((12345678ul, "/sys/fs/cgroup/memory/app/memory.limit_in_bytes"), (ContainerLimits.Read(tree.Root).LimitBytes, ContainerLimits.Read(tree.Root).Source));

        // The other way round: v1 has other controllers only.
        tree.Write("/proc/self/cgroup", "4:cpu:/app\n0::/app\n");
        tree.Write("/sys/fs/cgroup/unified/app/memory.max", "999\n");
        Assert.Equal((999ul, "/sys/fs/cgroup/unified/app/memory.max"), (ContainerLimits.Read(tree.Root).LimitBytes, ContainerLimits.Read(tree.Root).Source));
    }

    [Fact]
    public void Mount_points_with_spaces_and_groups_with_colons_are_read()
    {
        using var tree = new WrittenTree(
            ("/proc/self/cgroup", "0::/a:b/c\n"),
            ("/proc/self/mountinfo", "35 24 0:30 / /my\\040groups\\134x rw - cgroup2 none rw\n"),
            ("/my groups\\x/a:b/memory.max", "5555\n"),
            ("/my groups\\x/a:b/c/memory.max", "max\n"));
        Assert.Equal((5555ul, "/my groups\\x/a:b/memory.max"), (ContainerLimits.Read(tree.Root).LimitBytes, ContainerLimits.Read(tree.Root).Source));
    }

    [Fact]
    public void Missing_files_are_no_limit()
    {
        using var tree = new WrittenTree();
        Assert.Equal(ContainerMemory.None, ContainerLimits.Read(tree.Root));
        Assert.Equal(ContainerMemory.None, ContainerLimits.Read(tree.Root + "/no/such/directory"));
        tree.Write("/proc/self/cgroup", "0::/a\n");
        Assert.Equal(ContainerMemory.None, ContainerLimits.Read(tree.Root));
        tree.Write("/proc/self/mountinfo", V2Mount);
        Assert.Equal(ContainerMemory.None, ContainerLimits.Read(tree.Root));
        tree.Write("/sys/fs/cgroup/a/memory.max/is_a_directory", "");
        Assert.Equal(ContainerMemory.None, ContainerLimits.Read(tree.Root));
        tree.Write("/sys/fs/cgroup/memory.max", "1024\n"); // without a use figure
        Assert.Equal(new ContainerMemory(1024, "/sys/fs/cgroup/memory.max", 0, 0), ContainerLimits.Read(tree.Root));
    }

    /// <summary>Bytes changed, cut and doubled at random in each file: an answer comes, and never an exception.</summary>
    [Fact]
    public void Damaged_files_never_end_in_an_exception() => Seeded.Run(40, random =>
    {
        var files = new (string Path, string Text)[]
        {
            ("/proc/self/cgroup", "4:memory:/app/x\n1:name=systemd:/s\n0::/app/x\n"),
            ("/proc/self/mountinfo", V1Mount + OtherMounts + "41 31 0:38 / /sys/fs/cgroup/uni\\040fied rw - cgroup2 cgroup2 rw\n"),
            ("/sys/fs/cgroup/memory/app/x/memory.limit_in_bytes", "12345678\n"),
            ("/sys/fs/cgroup/memory/app/memory.limit_in_bytes", V1NoLimit),
            ("/sys/fs/cgroup/uni fied/app/x/memory.max", "max\n"),
        };
        using var tree = new WrittenTree(files);
        Assert.Equal(12345678ul, ContainerLimits.Read(tree.Root).LimitBytes);
        foreach (var (path, text) in files)
        {
            var damaged = text.ToCharArray().ToList();
            for (var i = random.Next(1, 6); i > 0 && damaged.Count > 0; i--)
            {
                var at = random.Next(damaged.Count);
                switch (random.Next(4))
                {
                    case 0: damaged[at] = (char)random.Next(256); break;
                    case 1: damaged.RemoveRange(at, damaged.Count - at); break;
                    case 2: damaged.RemoveAt(at); break;
                    default: damaged.Insert(at, " \n:/\\-,0"[random.Next(8)]); break;
                }
            }

            tree.Write(path, new string([.. damaged]));
            var found = ContainerLimits.Read(tree.Root);
            Assert.True(found.LimitBytes > 0 == found.Source.Length > 0, $"{found}");
        }
    });

    [FactOnLinux]
    public void The_limits_of_the_process_are_those_of_the_shell_that_started_it()
    {
        Assert.Equal((0, "1536000000 0"), ChildProgram.Run(typeof(ContainerScenarios), nameof(ContainerScenarios.ProcessLimits), "-d 1500000"));
        Assert.Equal((0, "0 4096000000"), ChildProgram.Run(typeof(ContainerScenarios), nameof(ContainerScenarios.ProcessLimits), "-v 4000000"));
    }

    [FactIfMemoryGroup]
    public void A_process_in_a_group_of_256_MiB_sees_that_limit_and_one_outside_does_not()
    {
        const string Limit = "268435456";
        using var group = MemoryGroup.Create(Limit);
        var (exitCode, inside) = ChildProgram.Run(typeof(ContainerScenarios), nameof(ContainerScenarios.GroupLimit), $"-c 0 && echo $$ > {group.Path}/cgroup.procs");
        Assert.Equal(0, exitCode);
        Assert.StartsWith($"{Limit} {group.Path}/{group.LimitFile} ", inside, StringComparison.Ordinal);
        Assert.InRange(ulong.Parse(inside.Split(' ')[^1], null), 1ul << 20, 256ul << 20);

        var (_, outside) = ChildProgram.Run(typeof(ContainerScenarios), nameof(ContainerScenarios.GroupLimit));
        Assert.DoesNotContain(group.Path, outside, StringComparison.Ordinal);
    }
}
