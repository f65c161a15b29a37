namespace BitTreeAlloc.Tool.Bench.Curves;

/// <summary>What rows of curves have beyond the others.</summary>
/// <param name="X">What has grown.</param>
/// <param name="XUnit">What it counts.</param>
/// <param name="MetadataBytes">Bytes of the allocator's own words, per thread where x counts threads.</param>
/// <param name="ResidentBytesPerThread">Growth of the resident set per thread as each binds a cache and uses it, payload untouched; null where x counts something else.</param>
internal sealed record CurveFigures(double X, string XUnit, double MetadataBytes, double? ResidentBytesPerThread);
