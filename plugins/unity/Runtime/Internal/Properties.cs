#nullable enable
using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Worldplate.Urp")]
[assembly: InternalsVisibleTo("Worldplate.Hdrp")]
[assembly: InternalsVisibleTo("Worldplate.Editor")]
[assembly: InternalsVisibleTo("Worldplate.Tests")]
