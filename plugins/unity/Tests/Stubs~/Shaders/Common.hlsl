// What the shaders use of com.unity.render-pipelines.core/ShaderLibrary, for a compiler. Own bodies: only their types count.
