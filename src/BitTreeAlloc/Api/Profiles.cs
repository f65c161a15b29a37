using BitTreeAlloc.Core;

namespace BitTreeAlloc;

/// <summary>The profiles as data: what each decides, in one table.</summary>
internal static class Profiles
{
    /// <summary>The policy of a profile, with purging on demand taken out where <paramref name="purging"/> says so.</summary>
    public static Policy Of(Profile profile, PurgeMode purging)
    {
        var policy = profile switch
        {
            Profile.LowLatency => new Policy { PurgeSlack = 512, TickPurgeBytes = 0, HugeRegionClass = 0, HugeBlockBytes = 8 << 20 },
            Profile.Frugal => new Policy { PurgeSlack = 24, TickPurgeBytes = 1ul << 30, EagerReturn = 1, GrowthDampener = 3, HugeRegionClass = Policy.Never, HugeBlockBytes = Policy.Never },
            Profile.LargeBuffers => new Policy { PurgeSlack = 256, TickPurgeBytes = 256 << 20, HugeRegionClass = 0, HugeBlockBytes = Policy.Never },
            _ => new Policy { PurgeSlack = 128, TickPurgeBytes = 32 << 20, HugeRegionClass = 2, HugeBlockBytes = Policy.Never },
        };
        if (purging == PurgeMode.Off)
            policy.PurgeSlack = Policy.Never;
        return policy;
    }
}
