// Lays a plate over the pipeline's colour. Pass 0 over the frame that was just drawn: what the plate does not cover is not
// written. Pass 1 shows another frame: its own picture, out of its pack, goes behind.
Shader "Hidden/Worldplate/Composite"
{
    HLSLINCLUDE
    #pragma target 4.5
    #pragma vertex Vertex
    #pragma fragment Fragment

    ByteAddressBuffer _WpTarget; // packs, as WorldplatePack.compute writes them
    ByteAddressBuffer _WpSource;
    ByteAddressBuffer _WpPlate;  // RGBA16F, tight rows
    ByteAddressBuffer _WpCarry;  // as Carry.cs writes it
    Texture2D<float2> _ExposureTexture;
    float4 _WpSizes; // of the planes; of the picture
    float4 _WpWords; // words before color, depth, object
    float4 _WpMode;  // carried; old; strength; HDRP

    static const uint HeadBytes = 224u, BodyBytes = 80u;

    float4 FromHalves(uint2 halves)
    {
        return float4(f16tof32(halves.x), f16tof32(halves.x >> 16), f16tof32(halves.y), f16tof32(halves.y >> 16));
    }

    uint IndexOf(int2 at)
    {
        return uint(at.y) * uint(_WpSizes.x) + uint(at.x);
    }

    uint IdOfBody(uint i)
    {
        return _WpCarry.Load(HeadBytes + BodyBytes * i);
    }

    float SourceDepth(int2 at)
    {
        return asfloat(_WpSource.Load(4u * (uint(_WpWords.y) + IndexOf(at))));
    }

    uint SourceObject(int2 at)
    {
        return _WpSource.Load(4u * (uint(_WpWords.z) + IndexOf(at)));
    }

    float4 SourcePlate(int2 at)
    {
        return FromHalves(_WpPlate.Load2(8u * IndexOf(at)));
    }

    #define WP_PRECISE precise
    #define WP_ID_AT(i) IdOfBody(i)
    #define WP_SOURCE_DEPTH(at) SourceDepth(at)
    #define WP_SOURCE_OBJECT(at) SourceObject(at)
    #define WP_SOURCE_PLATE(at) SourcePlate(at)
    #include "../../Worldplate.hlsl"

    float4x4 MatrixAt(uint place)
    {
        return float4x4(
            asfloat(_WpCarry.Load4(place)), asfloat(_WpCarry.Load4(place + 16u)),
            asfloat(_WpCarry.Load4(place + 32u)), asfloat(_WpCarry.Load4(place + 48u)));
    }

    // The plate's pixel for this one of the target, alpha 0 where it cannot be known.
    float4 Carried(int2 pixel)
    {
        float depth_m = asfloat(_WpTarget.Load(4u * (uint(_WpWords.y) + IndexOf(pixel))));
        uint object = _WpTarget.Load(4u * (uint(_WpWords.z) + IndexOf(pixel)));
        uint count = _WpCarry.Load(208u);
        uint body = wp_place_of_id(object, count);
        uint place = HeadBytes + BodyBytes * body;
        if (body < count && _WpCarry.Load(place + 4u) == 0u)
        {
            return float4(0.0, 0.0, 0.0, 0.0);
        }
        float4x4 source_from_target = MatrixAt(body < count ? place + 16u : 0u);
        float4 jitter_px = asfloat(_WpCarry.Load4(192u));
        return wp_carried(
            pixel, depth_m, object, source_from_target, MatrixAt(64u), MatrixAt(128u), jitter_px, int2(_WpSizes.xy)).over;
    }

    float4 Vertex(uint corner : SV_VertexID) : SV_POSITION
    {
        return float4(float2(corner == 1u ? 3.0 : -1.0, corner == 2u ? 3.0 : -1.0), 0.5, 1.0);
    }

    // Of the planes; row 0 of the target is the picture's lowest.
    int2 PixelOf(float2 position)
    {
        float2 at = float2(position.x, _WpSizes.w - position.y);
        return int2(at * _WpSizes.xy / _WpSizes.zw);
    }

    float Exposure()
    {
        float multiplier = _WpMode.w > 0.0 ? _ExposureTexture[uint2(0, 0)].x : 1.0;
        return multiplier > 0.0 ? multiplier : 1.0;
    }

    float4 PlateAt(int2 pixel)
    {
        return _WpMode.x > 0.0 ? Carried(pixel) : SourcePlate(pixel);
    }
    ENDHLSL

    SubShader
    {
        ZTest Always
        ZWrite Off
        Cull Off
        ColorMask RGB

        Pass
        {
            Blend SrcAlpha OneMinusSrcAlpha

            HLSLPROGRAM
            float4 Fragment(float4 position : SV_POSITION) : SV_Target
            {
                float4 over = PlateAt(PixelOf(position.xy));
                float matte = wp_matte(over, _WpMode.z);
                clip(matte - 1.0e-6);
                return float4(over.rgb * Exposure(), matte);
            }
            ENDHLSL
        }

        Pass
        {
            HLSLPROGRAM
            float4 Fragment(float4 position : SV_POSITION) : SV_Target
            {
                int2 pixel = PixelOf(position.xy);
                float4 behind = FromHalves(_WpTarget.Load2(4u * uint(_WpWords.x) + 8u * IndexOf(pixel)));
                float4 over = _WpMode.z > 0.0 ? PlateAt(pixel) : float4(0.0, 0.0, 0.0, 0.0);
                return float4(wp_composite(behind, over, _WpMode.z).rgb * Exposure(), 1.0);
            }
            ENDHLSL
        }
    }
}
