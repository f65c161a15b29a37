using BitTreeAlloc.Bits;

namespace BitTreeAlloc.Model.Scenarios;

/// <summary>Words of two bits; trees of four blocks: two leaf words, one middle word, one top word; two trees under a summary word.</summary>
internal readonly struct FourBlockTrees : IGeometry
{
    public static int WordShift => 1;

    public static int TreeShift => 2;

    public static int MagazineWords => 8;
}

/// <summary>Words of two bits; trees of eight blocks: four leaf words, two middle words, one top word of two bits.</summary>
internal readonly struct EightBlockTrees : IGeometry
{
    public static int WordShift => 1;

    public static int TreeShift => 3;

    public static int MagazineWords => 8;
}

/// <summary>Words of four bits.</summary>
internal readonly struct FourBitWords : IGeometry
{
    public static int WordShift => 2;

    public static int TreeShift => 6;

    public static int MagazineWords => 8;
}

/// <summary>Words of one bit, trees of one block: an area of regions has exactly one.</summary>
internal readonly struct OneBlockTrees : IGeometry
{
    public static int WordShift => 0;

    public static int TreeShift => 0;

    public static int MagazineWords => 8;
}
