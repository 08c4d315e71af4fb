#nullable enable
using UnityEngine;
using Worldplate.Interop;

namespace Worldplate.Internal
{
    /// <summary>A camera as it draws: canonical for the link, and Unity's own matrices for the shaders.</summary>
    internal sealed unsafe class CameraView
    {
        readonly Camera _camera;
        WpCamera _canonical;
        bool _started;

        public CameraView(Camera camera) => _camera = camera;

        public ref readonly WpCamera Canonical => ref _canonical;

        public Camera Camera => _camera;

        /// <summary>Whether there is a frame before this one that motion can be told from.</summary>
        public bool MotionKnown { get; private set; }

        /// <summary>To the pose and lens of now, for planes of `size`. Returns whether it is a cut: asked for, first, or a jump.</summary>
        public bool Advance(Vector2Int size, bool cut)
        {
            WpPose before = _canonical.WorldFromCamera;
            ReadPose();
            bool reset = cut || !_started || Spaces.HasJumped(before, _canonical.WorldFromCamera);
            _canonical.PreviousWorldFromCamera = reset ? _canonical.WorldFromCamera : before;
            MotionKnown = !reset;
            _started = true;
            ReadLens(size);
            return reset;
        }

        void ReadPose()
        {
            Transform at = _camera.transform;
            Vector3 position = at.position;
            Quaternion turn = at.rotation;
            fixed (WpPose* pose = &_canonical.WorldFromCamera)
            {
                Spaces.Position(pose->PositionM, position.x, position.y, position.z);
                Spaces.Orientation(pose->Orientation, turn.x, turn.y, turn.z, turn.w);
            }
        }

        void ReadLens(Vector2Int size)
        {
            Matrix4x4 plain = _camera.nonJitteredProjectionMatrix; // OpenGL's form: z in -1..1, y up
            Matrix4x4 drawn = _camera.projectionMatrix;
            fixed (WpCamera* camera = &_canonical)
            {
                for (int row = 0; row < 4; row++)
                {
                    for (int column = 0; column < 4; column++)
                    {
                        camera->Projection[4 * row + column] = plain[row, column];
                    }
                }
                Spaces.Jitter(camera->JitterPx, drawn.m02, drawn.m12, plain.m02, plain.m12, size.x, size.y);
                camera->NearM = _camera.nearClipPlane;
                camera->FarM = _camera.farClipPlane;
                bool real = _camera.usePhysicalProperties;
                camera->FocalLengthMm = real ? _camera.focalLength : 0.0;
                camera->SensorWidthMm = real ? _camera.sensorSize.x : 0.0;
                camera->FNumber = real ? _camera.aperture : 0.0;
                camera->FocusDistanceM = real ? _camera.focusDistance : 0.0;
            }
        }
    }
}
