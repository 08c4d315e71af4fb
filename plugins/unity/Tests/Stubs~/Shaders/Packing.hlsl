// See Common.hlsl.
float2 Unpack888ToFloat2(float3 packed)
{
    return packed.xy;
}

float3 UnpackNormalOctQuadEncode(float2 octahedral)
{
    return float3(octahedral, 1.0);
}
