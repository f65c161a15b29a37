using BitTreeAlloc.Tool.Replay;

namespace BitTreeAlloc.Tests.Unit.Tool;

/// <summary>A fact about a peer; skipped, with the reason, where the peer cannot be loaded.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PeerFactAttribute : FactAttribute
{
    public PeerFactAttribute(string name)
    {
        if (ContenderCatalog.Make(name, Profile.Balanced, Level.Fast, CasWidth.Auto) is null)
            Skip = $"{name} cannot be loaded into this process: not installed ({ContenderCatalog.WhereToGet(name)}), or no static TLS left for it";
    }
}
