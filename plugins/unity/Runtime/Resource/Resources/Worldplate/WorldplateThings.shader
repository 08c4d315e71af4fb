// What no pipeline keeps: the index of the thing that a pixel shows, and its base colour.
Shader "Hidden/Worldplate/Things"
{
    SubShader
    {
        Pass
        {
            ZTest LEqual
            ZWrite On
            Cull Off

            HLSLPROGRAM
            #pragma target 4.5
            #pragma vertex Vertex
            #pragma fragment Fragment

            float4x4 unity_ObjectToWorld;
            float4x4 _WpClipFromWorld;
            int _WpThingIndex;
            float4 _WpThingColor; // linear
            float4 _WpThingScaleOffset;
            float _WpThingCutoff;
            Texture2D _WpThingTexture;
            SamplerState sampler_WpThingTexture;

            struct Varyings
            {
                float4 position : SV_POSITION;
                float2 uv : TEXCOORD0;
            };

            struct Targets
            {
                uint index : SV_Target0;
                float4 albedo : SV_Target1;
            };

            Varyings Vertex(float3 position : POSITION, float2 uv : TEXCOORD0)
            {
                Varyings output;
                output.position = mul(_WpClipFromWorld, mul(unity_ObjectToWorld, float4(position, 1.0)));
                output.uv = uv * _WpThingScaleOffset.xy + _WpThingScaleOffset.zw;
                return output;
            }

            Targets Fragment(Varyings input)
            {
                float4 color = _WpThingTexture.Sample(sampler_WpThingTexture, input.uv) * _WpThingColor;
                clip(color.a - _WpThingCutoff);
                Targets output;
                output.index = uint(_WpThingIndex);
                output.albedo = float4(color.rgb, 1.0);
                return output;
            }
            ENDHLSL
        }
    }
}
