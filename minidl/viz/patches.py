"""The im2col explorer: convolution as a product of matrices, to be pointed at."""

import math
from typing import Any

import numpy as np

from ..api import tensor
from ..autograd import OPS, Tensor, no_grad
from ..nn import functional as F
from .figures import host
from .page import HtmlPage

CELLS = 6000  # of the matrix of columns: more is no picture that anybody reads


def im2col(input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1) -> HtmlPage:
    """A page on which a patch of the picture lights up its column, the filter its row, and their product the output.

    The numbers are the library's own: `im2col` of the padded input (C, H, W), the weight (F, C, kh, kw) as rows, their
    matrix product, and `conv2d` to compare with. Hover, tap, or use the arrow keys; a pixel shows all its copies."""
    with no_grad():
        return page(explored(input, weight, bias, stride, padding, dilation))


def explored(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1
) -> dict[str, Any]:
    """Everything the page shows, as NumPy arrays and numbers."""
    x, w = leaf(input), leaf(weight)
    x = OPS.reshape(x, shape=(1, *x.shape)) if x.ndim == 3 else x
    if x.ndim != 4 or x.shape[0] != 1 or w.ndim != 4:
        raise ValueError(
            f"im2col: one picture (C, H, W) and a weight (F, C, kh, kw) are expected, got {x.shape} and {w.shape}"
        )
    b = None if bias is None else leaf(bias)
    pair = lambda v: (int(v), int(v)) if not hasattr(v, "__iter__") else tuple(map(int, v))
    how = {"kernel": w.shape[2:], "stride": pair(stride), "dilation": pair(dilation)}
    truth = F.conv2d(x, w, b, pair(stride), pair(padding), pair(dilation))  # refuses what does not fit, in words
    (ph, pw), (filters, places) = pair(padding), (w.shape[0], truth.shape[2:])
    wide = OPS.pad(x, pad_width=((0, 0), (0, 0), (ph, ph), (pw, pw)))
    columns = OPS.im2col(wide, **how)[0]
    if math.prod(columns.shape) > CELLS:
        raise ValueError(f"im2col: {columns.shape[0]} × {columns.shape[1]} columns are too many to be looked at")
    rows = OPS.reshape(w, shape=(filters, math.prod(w.shape[1:])))
    y = rows @ columns
    y = y if b is None else y + OPS.reshape(b, shape=(filters, 1))
    index = OPS.reshape(OPS.arange_like(wide, n=math.prod(wide.shape)), shape=wide.shape)
    return {
        "wide": host(wide)[0], "padding": [ph, pw], "columns": host(columns), "rows": host(rows), "y": host(y),
        "source": host(OPS.im2col(index, **how))[0],  # which pixel of the padded picture each entry is a copy of
        "truth": host(truth)[0].reshape(filters, -1), "places": list(places), "bias": None if b is None else host(b),
        "kernel": list(w.shape[1:]), "stride": list(how["stride"]), "dilation": list(how["dilation"]),
    }  # fmt: skip


def leaf(value: Any) -> Tensor:
    """In float64: the page shows what convolution is, not how it rounds."""
    return OPS.astype(value.detach() if isinstance(value, Tensor) else tensor(value), dtype="float64")


def page(found: dict[str, Any]) -> HtmlPage:
    """The page of what `explored` found, or of what a class has planted there."""
    wrong = ~np.isclose(found["y"], found["truth"], rtol=1e-4, atol=1e-6)
    plain = lambda v: np.round(v.astype(float), 4).tolist() if isinstance(v, np.ndarray) else v
    data = {k: v.tolist() if k == "source" else plain(v) for k, v in found.items()} | {"wrong": wrong.tolist()}
    C, kh, kw = found["kernel"]
    K, L = found["columns"].shape
    verdict = (
        "<span class='good'>Every output equals conv2d.</span>" if not wrong.any()
        else f"<span class='bad'>{wrong.sum()} of {wrong.size} outputs differ from conv2d.</span> Which line is wrong?"
    )  # fmt: skip
    body = f"""
<h1>Convolution is a matrix product</h1>
<p>Each {C}×{kh}×{kw} patch becomes one <b>column</b> of {K} numbers; each filter is one <b>row</b>; row × column is one
number of the output. {verdict}</p>
<p class="faint">Point at or tap anything; <kbd>←</kbd> <kbd>→</kbd> <kbd>↑</kbd> <kbd>↓</kbd> move the patch,
<kbd>[</kbd> <kbd>]</kbd> change the filter. A pixel shows all its copies.</p>
<div id="stage" tabindex="0" role="application" aria-label="im2col explorer">
<div class="strip"><figure><figcaption>input, padded with zeros (dashed)</figcaption><div id="input" class="many"></div>
</figure><figure><figcaption>output, {found["places"][0]}×{found["places"][1]} places for each filter</figcaption>
<div id="output" class="many"></div></figure></div>
<p id="sum" aria-live="polite"></p>
<div class="strip"><figure><figcaption>filters as rows ({len(found["rows"])}×{K})</figcaption>
<div id="rows"></div></figure>
<div class="strip"><span class="sign">×</span><figure><figcaption>columns = im2col(input) ({K}×{L})</figcaption>
<div id="columns"></div></figure></div>
<div class="strip"><span class="sign">=</span><figure><figcaption>output as rows ({len(found["rows"])}×{L})</figcaption>
<div id="flat"></div></figure></div></div></div>"""
    return HtmlPage("im2col explorer", body, STYLE, SCRIPT, data, height=900)


STYLE = """
.strip{display:flex;flex-wrap:wrap;gap:1.2rem;align-items:center;margin:.6rem 0}.strip .strip{flex-wrap:nowrap}
figure{margin:0;max-width:100%;overflow:auto}figcaption{color:var(--faint);font-size:.95rem}
.many{display:flex;flex-wrap:wrap;gap:.8rem}.sign{font-size:2rem}
.good{color:var(--good)}.bad{color:var(--bad);font-weight:600}#sum b{color:var(--mark)}
#stage:focus-visible{outline:1px solid var(--line);outline-offset:6px}
#sum{min-height:3.2em;font-family:ui-monospace,Menlo,Consolas,monospace;background:var(--card);border-radius:6px;
padding:.5rem .8rem}svg{display:block;touch-action:manipulation}
svg text{font:10.5px system-ui,sans-serif;fill:var(--ink);text-anchor:middle;pointer-events:none}
rect{stroke:var(--line);stroke-width:.6}rect.pad{stroke-dasharray:3 2}
rect.on{stroke:var(--mark);stroke-width:3}rect.copy{stroke:var(--ink);stroke-width:3}rect.wrong{stroke:var(--bad);
stroke-width:2.4;stroke-dasharray:4 2}rect.wrong.on{stroke-dasharray:none;stroke-width:4}
""".strip()

SCRIPT = """
'use strict';
const D=JSON.parse(document.getElementById('data').textContent),NS='http://www.w3.org/2000/svg';
const [C,kh,kw]=D.kernel,[Ho,Wo]=D.places,F=D.rows.length,K=D.columns.length,L=D.columns[0].length;
const H=D.wide[0].length,W=D.wide[0][0].length,[ph,pw]=D.padding;
let place=0,filter=0,pixel=-1;
const most=a=>Math.max(1e-9,...a.flat(3).map(Math.abs));
const scale={input:most(D.wide),rows:most(D.rows),y:most(D.y)};
const short=v=>String(+v.toFixed(Math.abs(v)>=100?0:Math.abs(v)>=10?1:2)).replace('-','\u2212');
const fit=(v,size)=>short(v).length>size/7?short(+v.toFixed(1)):short(v);
const factor=v=>v<0?`(${short(v)})`:short(v);
function grid(into,values,size,top,pick){
  const rows=values.length,cols=values[0].length,svg=document.createElementNS(NS,'svg'),cells=[];
  svg.setAttribute('width',cols*size+4);svg.setAttribute('height',rows*size+4);
  svg.setAttribute('viewBox',`-2 -2 ${cols*size+4} ${rows*size+4}`);
  const texts=document.createElementNS(NS,'g');
  values.forEach((line,i)=>line.forEach((v,j)=>{
    const r=document.createElementNS(NS,'rect');
    for(const [k,a] of [['x',j*size],['y',i*size],['width',size],['height',size]])r.setAttribute(k,a);
    r.style.fill=`rgba(var(--${v<0?'minus':'plus'}),${(.75*Math.abs(v)/top).toFixed(3)})`;
    r.addEventListener('pointerenter',()=>pick(i,j));r.addEventListener('pointerdown',()=>pick(i,j));
    svg.append(r);(cells[i]=cells[i]||[])[j]=r;
    if(size>=26){const t=document.createElementNS(NS,'text');t.setAttribute('x',(j+.5)*size);
      t.setAttribute('y',(i+.5)*size+4);t.textContent=fit(v,size);texts.append(t)}
  }));
  svg.append(texts);document.getElementById(into).append(svg);
  return {cells,raise(r){svg.insertBefore(r,texts)}};
}
const at=(i,j)=>i*Wo+j,room=n=>n<=10?34:n<=18?28:n<=30?18:n<=60?13:8;
const chunk=(a,n)=>Array.from({length:a.length/n},(_,i)=>a.slice(i*n,i*n+n));
const input=D.wide.map((c,k)=>{const g=grid('input',c,room(Math.max(H,W)),scale.input,(i,j)=>touch(k,i,j));
  g.cells.forEach((line,i)=>line.forEach((r,j)=>{if(i<ph||j<pw||i>=H-ph||j>=W-pw)r.classList.add('pad')}));return g});
const output=D.y.map((line,f)=>grid('output',chunk(line,Wo),room(Math.max(Ho,Wo)),scale.y,
  (i,j)=>choose(at(i,j),f)));
const cell=room(Math.max(L,K));
const rows=grid('rows',D.rows,Math.max(cell,Math.min(28,room(K))),scale.rows,(f)=>choose(place,f));
const columns=grid('columns',D.columns,cell,scale.input,(k,l)=>choose(l,filter));
const flat=grid('flat',D.y,cell,scale.y,(f,l)=>choose(l,f));
D.wrong.forEach((line,f)=>line.forEach((bad,l)=>{if(bad){flat.cells[f][l].classList.add('wrong');
  output[f].cells[Math.floor(l/Wo)][l%Wo].classList.add('wrong')}}));
function touch(c,i,j){
  const n=(c*H+i)*W+j;pixel=n;
  let best=-1,far=1e9;                       // the patch whose middle is nearest
  for(let l=0;l<L;l++){
    const top=Math.floor(l/Wo)*D.stride[0]+D.dilation[0]*(kh-1)/2;
    const left=l%Wo*D.stride[1]+D.dilation[1]*(kw-1)/2;
    const d=(top-i)**2+(left-j)**2;if(d<far){far=d;best=l}}
  place=best;draw();
}
function choose(l,f){place=l;filter=f;pixel=-1;draw()}
function light(g,r,name){r.classList.add(name);g.raise(r)}
function draw(){
  document.querySelectorAll('.on,.copy').forEach(r=>r.classList.remove('on','copy'));
  let copies=0;
  for(let k=0;k<K;k++){
    const n=D.source[k][place];light(input[Math.floor(n/(H*W))],
      input[Math.floor(n/(H*W))].cells[Math.floor(n/W)%H][n%W],'on');
    light(columns,columns.cells[k][place],'on');light(rows,rows.cells[filter][k],'on');
    for(let l=0;pixel>=0&&l<L;l++)if(D.source[k][l]===pixel){copies++;light(columns,columns.cells[k][l],'copy')}
  }
  light(output[filter],output[filter].cells[Math.floor(place/Wo)][place%Wo],'on');
  light(flat,flat.cells[filter][place],'on');
  if(pixel>=0){const g=input[Math.floor(pixel/(H*W))];light(g,g.cells[Math.floor(pixel/W)%H][pixel%W],'copy')}
  const terms=[];let used=0;
  for(let k=0;k<K&&terms.length<12;k++){used=k+1;terms.push(factor(D.rows[filter][k])+'·'+factor(D.columns[k][place]))}
  const rest=used<K?` + … (${K} products)`:'',bias=D.bias?` + ${short(D.bias[filter])}`:'';
  const y=D.y[filter][place],truth=D.truth[filter][place];
  const off=D.wrong[filter][place]?` <b>conv2d says ${short(truth)}</b>`:'';
  document.getElementById('sum').innerHTML=`filter ${filter+1}, place (${Math.floor(place/Wo)}, ${place%Wo}): `+
    terms.join(' + ')+rest+bias+` = <b>${short(y)}</b>`+off+
    (pixel<0?'':`<br>This pixel stands in ${copies} column${copies===1?'':'s'}: `+
      'its gradient is the sum over them (col2im).');
}
document.getElementById('stage').addEventListener('keydown',e=>{
  const i=Math.floor(place/Wo),j=place%Wo;
  const step={ArrowLeft:[0,-1],ArrowRight:[0,1],ArrowUp:[-1,0],ArrowDown:[1,0]}[e.key];
  if(step){const a=Math.min(Ho-1,Math.max(0,i+step[0])),b=Math.min(Wo-1,Math.max(0,j+step[1]));
    choose(at(a,b),filter);e.preventDefault()}
  else if(e.key==='['||e.key===']')choose(place,(filter+(e.key===']'?1:F-1))%F);
});
choose(at(Ho>>1,Wo>>1),0);
if(window===window.top)document.getElementById('stage').focus({preventScroll:true});
""".strip()
