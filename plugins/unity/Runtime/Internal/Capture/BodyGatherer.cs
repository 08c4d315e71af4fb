#nullable enable
using System;
using System.Collections.Generic;
using Unity.Collections;
using UnityEngine;
using Worldplate.Interop;
using Object = UnityEngine.Object;

namespace Worldplate.Internal
{
    /// <summary>
    /// The rigid bodies as they are drawn: poses, velocities, labels; and contacts of colliders whose Provides Contacts is on.
    /// Contacts since the last frame wait for the next. Main thread only.
    /// </summary>
    internal sealed unsafe class BodyGatherer : IDisposable
    {
        const float LookS = 1.0f;

        readonly Bodies _canonical = new Bodies();
        readonly List<Body> _bodies = new List<Body>();
        readonly List<WpContact> _touching = new List<WpContact>();
        readonly Things _things;
        float _lookAtS;

        sealed class Body
        {
            public Body(Rigidbody of, uint id)
            {
                Of = of;
                Id = id;
            }

            public readonly Rigidbody Of;
            public readonly uint Id;
            public byte Label;
            public WpPose Before;
            public bool Seen;
        }

        public BodyGatherer(Things things)
        {
            _things = things;
            Physics.ContactEvent += OnContacts;
        }

        public void Dispose() => Physics.ContactEvent -= OnContacts;

        /// <summary>Looks for bodies that came and went, once a second.</summary>
        public void Refresh()
        {
            if (Time.realtimeSinceStartup < _lookAtS)
            {
                return;
            }
            _lookAtS = Time.realtimeSinceStartup + LookS;
            _bodies.RemoveAll(body => body.Of == null);
            foreach (Rigidbody found in Object.FindObjectsByType<Rigidbody>(FindObjectsSortMode.None))
            {
                Body? known = _bodies.Find(body => body.Of == found);
                if (known == null)
                {
                    known = new Body(found, _things.IdOf(found));
                    _bodies.Add(known);
                }
                known.Label = (byte)Things.LabelOf(found);
            }
        }

        /// <summary>Of now; previous poses are those of the call before, after a reset those of now.</summary>
        public Bodies Gather(bool reset)
        {
            _canonical.Clear();
            foreach (Body body in _bodies)
            {
                if (body.Of != null && body.Of.gameObject.activeInHierarchy)
                {
                    Put(ref _canonical.Add(), body, reset);
                }
            }
            foreach (WpContact contact in _touching)
            {
                _canonical.AddContact() = contact;
            }
            _touching.Clear();
            return _canonical;
        }

        static void Put(ref WpBody to, Body body, bool reset)
        {
            Transform at = body.Of.transform; // as drawn: with interpolation it is not the physics' own
            Vector3 position = at.position, velocity = body.Of.linearVelocity, turning = body.Of.angularVelocity;
            Quaternion turn = at.rotation;
            to.Id = body.Id;
            to.Label = body.Label;
            fixed (WpBody* told = &to)
            {
                Spaces.Position(told->WorldFromBody.PositionM, position.x, position.y, position.z);
                Spaces.Orientation(told->WorldFromBody.Orientation, turn.x, turn.y, turn.z, turn.w);
                Spaces.Vector(told->VelocityMS, velocity.x, velocity.y, velocity.z);
                Spaces.AngularVelocity(told->AngularVelocityRadS, turning.x, turning.y, turning.z);
            }
            to.PreviousWorldFromBody = reset || !body.Seen ? to.WorldFromBody : body.Before;
            body.Before = to.WorldFromBody;
            body.Seen = true;
        }

        // Called on the main thread, after each step of the physics; the headers are good during the call.
        void OnContacts(PhysicsScene scene, NativeArray<ContactPairHeader>.ReadOnly headers)
        {
            for (int at = 0; at < headers.Length; at++)
            {
                ContactPairHeader header = headers[at];
                for (int pair = 0; pair < header.pairCount; pair++)
                {
                    ref readonly ContactPair contact = ref header.GetContactPair(pair);
                    uint a = IdOf(header.body, contact.collider), b = IdOf(header.otherBody, contact.otherCollider);
                    if (a != 0 && b != 0)
                    {
                        Add(contact, a, b);
                    }
                }
            }
        }

        // Of the body, else of what is seen where the collider is; 0: of nothing that is seen.
        uint IdOf(Component? body, Collider? collider)
        {
            if (body is Rigidbody)
            {
                return _things.IdOf(body);
            }
            return collider != null && collider.TryGetComponent(out Renderer renderer) ? _things.IdOf(renderer) : 0;
        }

        void Add(in ContactPair contact, uint a, uint b)
        {
            for (int point = 0; point < contact.contactCount && _touching.Count < DefaultLimits.MaxObjects; point++)
            {
                ref readonly ContactPairPoint at = ref contact.GetContactPoint(point);
                float forceN = Mathf.Abs(Vector3.Dot(at.impulse, at.normal)) / Time.fixedDeltaTime;
                var told = new WpContact { NormalForceN = forceN };
                told.Ids[0] = a;
                told.Ids[1] = b;
                Spaces.Vector(told.PointM, at.position.x, at.position.y, at.position.z);
                _touching.Add(told);
            }
        }
    }
}
